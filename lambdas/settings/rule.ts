/** The rules of settings: a rule parses the text of an environment variable, or refuses it. */

/** A value that breaks its rule. The message has the rule and the value: settings hold no secret. */
export class RuleBroken extends Error {}

export type Rule<T> = (text: string) => T;

export const refuse = (rule: string, text: string): never => {
  throw new RuleBroken(`must be ${rule}, got ${JSON.stringify(text)}`);
};

export const plainText: Rule<string> = (value) =>
  /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)
    ? value
    : refuse('printable text without spaces at its ends', value);

export const integer =
  (min: number, max: number): Rule<number> =>
  (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
    return number >= min && number <= max
      ? number
      : refuse(`a whole number from ${String(min)} to ${String(max)}`, value);
  };

export const choice =
  <const Choice extends string>(...choices: Choice[]): Rule<Choice> =>
  (value) =>
    choices.find((choice) => choice === value) ?? refuse(`one of ${choices.join(', ')}`, value);
