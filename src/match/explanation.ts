import type { RouterName } from "./route.ts";

/** Why a request goes where it goes. Data only; `renderExplanation` makes text of it. */
export interface Explanation {
  readonly router: RouterName;
}
