/** An option of a command, as it is read and as the help text has it. */
export interface OptionSpec {
  /** Placeholder of the value in the help text; an option without one is a switch. */
  readonly value?: string;
  readonly help: string;
  /** May be given several times. */
  readonly repeatable?: true;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Options as the parser of Node.js takes them; `--help` and `-h` are always there. */
export const parserOptions = (specs: OptionSpecs) => ({
  ...Object.fromEntries(
    Object.entries(specs).map(([name, { value, repeatable = false }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', multiple: repeatable } as const,
    ]),
  ),
  help: { type: 'boolean', short: 'h' } as const,
});

/** A line of the help text for each option, and for `--help` at the end. @param width - of the column before the explanations */
export const optionLines = (specs: OptionSpecs, width: number): string[] =>
  Object.entries({ ...specs, help: { help: 'this text' } }).map(
    ([name, { value, help }]: [string, OptionSpec]) => {
      const left = `  --${name}${value === undefined ? '' : ` ${value}`}`;
      return `${left.padEnd(width)}${help}`;
    },
  );
