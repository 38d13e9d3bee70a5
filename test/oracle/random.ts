/** Numbers and choices that follow from a seed alone. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A fraction from 0 to below `below`; mulberry32. */
  fraction(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below;
  }

  chance(probability: number): boolean {
    return this.fraction(1) < probability;
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[Math.floor(this.fraction(from.length))] ?? from[0];
  }

  /** Some of these, in a random order. */
  some<T>(from: readonly T[], atMost: number): T[] {
    const rest = [...from];
    const count = Math.min(rest.length, Math.floor(this.fraction(atMost + 1)));
    return Array.from({ length: count }, () => rest.splice(Math.floor(this.fraction(rest.length)), 1)).flat();
  }

  list<T>(atMost: number, make: (index: number) => T): T[] {
    return Array.from({ length: Math.floor(this.fraction(atMost + 1)) }, (_, index) => make(index));
  }
}
