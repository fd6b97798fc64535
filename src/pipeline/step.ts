import type { MiddlewareHandler } from "hono";
import type { AnswerFields } from "../net/answer-fields.ts";
import { changeAnswer } from "./answer-headers.ts";
import type { PluginContext, PluginEnv, PluginExchange, UpstreamRequest } from "./context.ts";

/** Changes the header fields of an answer, on its way back. */
export type AnswerChange = (fields: AnswerFields) => void;

/** What a step comes to: undefined lets the request go on; a Response answers it; a function lets it go on and is called with the answer's fields. */
export type StepResult = Response | AnswerChange | undefined;

/**
 * A plugin that looks at a request before it is sent on, and does no more to the answer than to change its fields. Such a plugin is a middleware
 * as every other, and can besides be run without Hono's context and without a promise.
 *
 * @param c Hono's context, where the request has one.
 */
export type Step = (
  exchange: PluginExchange,
  request: UpstreamRequest,
  c?: PluginContext,
) => StepResult | Promise<StepResult>;

const steps = new WeakMap<MiddlewareHandler<PluginEnv>, Step>();

/** The step as a middleware; {@link stepOf} tells it again. */
export function stepMiddleware(step: Step): MiddlewareHandler<PluginEnv> {
  const middleware: MiddlewareHandler<PluginEnv> = (c, next) => {
    const result = step(c.get("exchange"), c.get("upstream"), c);
    return result instanceof Promise ? result.then((result) => follow(c, result, next)) : follow(c, result, next);
  };
  steps.set(middleware, step);
  return middleware;
}

/** The steps that these middleware are made of; undefined where one of them is an ordinary middleware. */
export function stepsOf(middleware: readonly MiddlewareHandler<PluginEnv>[]): Step[] | undefined {
  const found: Step[] = [];
  for (const each of middleware) {
    const step = steps.get(each);
    if (step === undefined) return undefined;
    found.push(step);
  }
  return found;
}

function follow(c: PluginContext, result: StepResult, next: () => Promise<void>): Promise<Response | void> {
  if (result === undefined) return next();
  if (typeof result === "function") return next().then(() => changeAnswer(c, result));
  return Promise.resolve(result);
}

/** A request on its way through steps. */
export interface SteppedRequest extends PluginExchange {
  readonly request: UpstreamRequest;
  /** What is to be done to the answer, the last one first. */
  changes: AnswerChange[] | undefined;
}

/**
 * Runs steps up to the first that answers, else what follows them. Where a step throws nothing is done to the answer, as in a chain of middleware that
 * an error passes through.
 */
export function runSteps<R extends SteppedRequest>(
  steps: readonly Step[],
  request: R,
  inner: (request: R) => Response | Promise<Response>,
): Response | Promise<Response> {
  return runFrom(0, steps, request, inner);
}

function runFrom<R extends SteppedRequest>(
  from: number,
  steps: readonly Step[],
  request: R,
  inner: (request: R) => Response | Promise<Response>,
): Response | Promise<Response> {
  for (let i = from; i < steps.length; i++) {
    let result: StepResult | Promise<StepResult>;
    try {
      result = steps[i]!(request, request.request);
    } catch (thrown) {
      request.changes = undefined;
      throw thrown;
    }
    if (result === undefined) continue;
    if (result instanceof Promise) return resume(result, i + 1, steps, request, inner);
    if (typeof result !== "function") return result;
    (request.changes ??= []).push(result);
  }
  return inner(request);
}

function resume<R extends SteppedRequest>(
  pending: Promise<StepResult>,
  from: number,
  steps: readonly Step[],
  request: R,
  inner: (request: R) => Response | Promise<Response>,
): Promise<Response> {
  return pending.then((result) => {
    if (result instanceof Response) return result;
    if (result !== undefined) (request.changes ??= []).push(result);
    return runFrom(from, steps, request, inner);
  }, (thrown) => {
    request.changes = undefined;
    throw thrown;
  });
}
