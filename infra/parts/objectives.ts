/** `docs/operations/objectives.md` in numbers. */

/** CIS2 is a platinum service: it promises 99.9 %. */
const cis2Budget = 0.001;
/** We add at most a tenth to what CIS2 may fail. */
const ourBudget = cis2Budget / 10;

/** Which part may fail in the window of 30 days. */
export const budgets = {
  /** Sign-ins that fail for a fault, CIS2's included. */
  signIns: cis2Budget + ourBudget,
  /** Sign-ins that fail for a fault of ours. */
  ourSignIns: ourBudget,
  /** Requests that we answer 5xx. CIS2 has no part in them. */
  requests: ourBudget,
} as const;

/** How many times as fast as it may a budget burns: at the fast rate it is gone within about two days, at the slow one within five. */
const burnRates = { fast: 14.4, slow: 6 } as const;

/** The part of failures at which a budget burns so fast. */
export const burning = (of: keyof typeof budgets, rate: keyof typeof burnRates): number =>
  Number((budgets[of] * burnRates[rate]).toPrecision(6));
