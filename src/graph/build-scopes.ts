/** What must be staged to build elements, one after the other: by serials, so that nothing is made anew for each. */
import type { Element } from "../project/element.ts";

/** Gives what `dependencies(element, "build")` gives, for the elements of one graph. */
export class BuildScopes {
  /** By serial: those that somebody asked for. */
  private readonly elements: Element[] = [];
  /** Serials of runtime dependencies, element by element; behind those of each stands -1. */
  private targets = new Int32Array(1024);
  private used = 1;
  /** By serial: where its targets begin, 0 for elements that nobody asked for yet. */
  private starts = new Int32Array(0);
  /** By serial: when it was found last. */
  private rounds = new Int32Array(0);
  private round = 0;
  private found = new Int32Array(0);
  /** The elements on the way to where the walk is, and where among its targets each goes on. */
  private way = new Int32Array(0);
  private next = new Int32Array(0);

  /** Serials, each behind what it needs at run time itself; they hold until the next call. */
  of({ buildDependencies }: Element): Int32Array {
    this.round++;
    for (const each of buildDependencies) this.learn(each);
    let count = 0;
    for (const { serial } of buildDependencies) count = this.addWithRuntime(serial, count);
    return this.found.subarray(0, count);
  }

  /** What a serial that was found stands for. */
  element(serial: number): Element {
    return this.elements[serial] as Element;
  }

  /** @returns how many are found now */
  private addWithRuntime(serial: number, before: number): number {
    const { targets, starts, rounds, round, found, way, next } = this;
    let count = before;
    if (rounds[serial] === round) return count;
    rounds[serial] = round;
    let depth = 0;
    let at = serial;
    let place = starts[at] as number;
    for (;;) {
      let target = targets[place++] as number;
      while (target >= 0 && rounds[target] === round) target = targets[place++] as number;
      if (target >= 0) {
        rounds[target] = round;
        way[depth] = at;
        next[depth++] = place;
        at = target;
        place = starts[at] as number;
      } else {
        found[count++] = at;
        if (depth === 0) return count;
        at = way[--depth] as number;
        place = next[depth] as number;
      }
    }
  }

  /** Notes the targets of an element, and of all that these lead to. */
  private learn(element: Element): void {
    const pending = [element];
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      const { serial, runtimeDependencies } = each;
      if (serial >= this.starts.length) this.makeRoom(serial + 1);
      if (this.starts[serial] !== 0) continue;
      const end = this.used + runtimeDependencies.length;
      if (end >= this.targets.length) this.targets = longer(this.targets, end + 1);
      this.elements[serial] = each;
      this.starts[serial] = this.used;
      for (const dependency of runtimeDependencies) {
        this.targets[this.used++] = dependency.serial;
        pending.push(dependency);
      }
      this.targets[this.used++] = -1;
    }
  }

  private makeRoom(elements: number): void {
    this.starts = longer(this.starts, elements);
    const { length } = this.starts;
    this.rounds = longer(this.rounds, length);
    this.found = new Int32Array(length);
    this.way = new Int32Array(length);
    this.next = new Int32Array(length);
  }
}

/** A copy with room for so many numbers, and for as many again as there were. */
function longer(numbers: Int32Array, least: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(Math.max(least, numbers.length * 2));
  copy.set(numbers);
  return copy;
}
