/** What has to be done for some targets: which artifacts are needed, where they come from, and what must wait for what. */
import type { Element } from "../project/element.ts";
import { fetchTask } from "./fetch.ts";
import type { Further, Task } from "./scheduler.ts";
import { deepestFirst } from "./selection.ts";
import type { Session } from "./session.ts";
import { isExact } from "./states.ts";
import {
  areSourcesPushable,
  elementPull,
  elementPush,
  isPullPending,
  isPushable,
  pullTask,
  pushTask,
  sourcePushTask,
} from "./transfers.ts";

interface Demand {
  readonly element: Element;
  /** Whether what it needs to run is needed as well. */
  readonly runtime: boolean;
}

/**
 * Plans while it goes on. An artifact that is there needs nothing but what it runs with; one that must be built needs
 * its build dependencies with what these run with, too. Which of both it is may be known only when servers were asked.
 */
export class Planner {
  /** Actions, in the order in which an element passes them. */
  readonly queues: readonly string[];
  private readonly session: Session;
  private readonly build: (element: Element, signal: AbortSignal) => Promise<void>;
  /** What comes first, of all that could. */
  private readonly ranks: ReadonlyMap<Element, number>;
  /** Of all elements that are needed, the task that gets the artifact; none where it is there. */
  private readonly makers = new Map<Element, Task | undefined>();
  private readonly needsRuntime = new Set<Element>();

  /**
   * @param roots what is wanted, whose dependencies may be needed
   * @param build runs the job that builds an element
   */
  constructor(
    session: Session,
    roots: readonly Element[],
    build: (element: Element, signal: AbortSignal) => Promise<void>,
  ) {
    this.session = session;
    this.build = build;
    this.ranks = new Map(deepestFirst(roots).map((element, place) => [element, place]));
    const { remotes } = session;
    this.queues = [
      ...(remotes?.artifacts.canPull ? ["pull"] : []),
      "fetch",
      "build",
      ...(remotes?.artifacts.canPush ? ["push"] : []),
      ...(remotes?.sources.canPush ? ["src-push"] : []),
    ];
  }

  /** Tasks that get the artifacts of elements. */
  require(elements: readonly Element[], withRuntime: boolean): Task[] {
    return this.expand(elements.map((element) => ({ element, runtime: withRuntime })));
  }

  /** @param demands a stack: it grows by what is needed for what it has */
  private expand(demands: Demand[]): Task[] {
    const { session } = this;
    const tasks: Task[] = [];
    const builds: Build[] = [];
    for (let next = demands.pop(); next !== undefined; next = demands.pop()) {
      const { element, runtime } = next;
      if (runtime && !this.needsRuntime.has(element)) {
        this.needsRuntime.add(element);
        for (const each of element.runtimeDependencies) demands.push({ element: each, runtime: true });
      }
      if (this.makers.has(element)) continue;
      if (isPullPending(session, element)) {
        const pull = this.pull(element);
        this.makers.set(element, pull);
        tasks.push(pull);
      } else if (session.states.isCached(element)) {
        this.makers.set(element, undefined);
        tasks.push(...this.accept(element, ["pull", "fetch", "build"]));
      } else {
        this.skip(element, ["pull"]);
        const build = this.plan(element, demands);
        this.makers.set(element, build.task);
        builds.push(build);
        tasks.push(...build.tasks);
      }
    }
    // Now all that they need is planned.
    for (const { element, needs } of builds) needs.push(...this.makersBelow(element));
    return tasks;
  }

  private pull(element: Element): Task {
    const { session } = this;
    return {
      ...this.ranked(element, pullTask(session, elementPull(session, element))),
      further: (): Further => {
        if (session.states.isCached(element)) return { instead: [], others: this.accept(element, ["fetch", "build"]) };
        const demands: Demand[] = [];
        const build = this.plan(element, demands);
        const others = this.expand(demands);
        build.needs.push(...this.makersBelow(element));
        return { instead: [build.task], others: [...build.tasks.filter((each) => each !== build.task), ...others] };
      },
    };
  }

  /** The tasks that build an element, to which it still has to be said what they need; and the demands of these. */
  private plan(element: Element, demands: Demand[]): Build {
    for (const each of element.buildDependencies) demands.push({ element: each, runtime: true });
    const unranked = fetchTask(this.session, element);
    if (unranked === undefined) this.skip(element, ["fetch"]);
    const needs = unranked === undefined ? [] : [this.ranked(element, unranked)];
    const task = this.ranked(element, {
      queue: "build",
      needs,
      run: (signal) => this.build(element, signal),
      after: () => this.leave(element),
    });
    return { element, task, needs, tasks: [...needs, task] };
  }

  /** Nothing has to be done to get the artifact. */
  private accept(element: Element, actions: readonly string[]): readonly Task[] {
    const { states, remotes, strict } = this.session;
    // It holds what these are now, which must not change any more.
    if (!strict && isExact(element) && remotes?.artifacts.canPull) states.settleBelow(element);
    this.skip(element, actions);
    return this.leave(element);
  }

  /** What is done when the artifact is there, be it that of a failed build. */
  private leave(element: Element): readonly Task[] {
    const { session } = this;
    const tasks: Task[] = [];
    const leaving = (task: Task) => tasks.push({ ...this.ranked(element, task), isLasting: true });
    if (isPushable(session, element)) leaving(pushTask(session, elementPush(session, element)));
    else this.skip(element, ["push"]);
    if (areSourcesPushable(session, element)) leaving(sourcePushTask(session, element));
    else this.skip(element, ["src-push"]);
    return tasks;
  }

  /** Reports that an element passes queues without a job. */
  private skip(element: Element, actions: readonly string[]): void {
    for (const action of actions) {
      if (!this.queues.includes(action)) continue;
      this.session.events.emit({ type: "job-not-needed", action, element: element.fullName });
    }
  }

  private ranked(element: Element, task: Task): Task {
    const rank = this.ranks.get(element);
    return rank === undefined ? task : { ...task, rank };
  }

  /**
   * The tasks that must be done before an element is built. Those of direct dependencies are enough where these are
   * built themselves, since they wait for theirs; of what is in the cache already, the runtime dependencies count.
   */
  private makersBelow(element: Element): Task[] {
    const needed = new Set<Task>();
    const visited = new Set<Element>();
    const stack = [...element.buildDependencies];
    for (let each = stack.pop(); each !== undefined; each = stack.pop()) {
      if (visited.has(each)) continue;
      visited.add(each);
      const maker = this.makers.get(each);
      if (maker !== undefined) needed.add(maker);
      stack.push(...each.runtimeDependencies);
    }
    return [...needed];
  }
}

interface Build {
  readonly element: Element;
  readonly task: Task;
  /** What the task waits for: more is added. */
  readonly needs: Task[];
  /** All that is done for the element, the task last. */
  readonly tasks: readonly Task[];
}
