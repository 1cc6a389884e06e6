/** What the runner asks of an intruder: to tell of its next refusal, to tell what all came to, or to end. */
export interface IntruderOrder {
  readonly kind: "await refusal" | "tell" | "end";
}

/** What an intruder tells. */
export type IntruderNews =
  | { readonly kind: "ready" }
  | { readonly kind: "refused" }
  | { readonly kind: "entered" }
  /** It tries no more. */
  | { readonly kind: "ended" }
  /** What its attempts came to so far, how often: `entered`, or an errno. */
  | { readonly kind: "outcomes"; readonly outcomes: Readonly<Record<string, number>> };
