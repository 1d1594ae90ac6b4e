import { isObject, listAt, textOf } from './template.ts';
import type { Assembly, Json, Resource } from './template.ts';

/** A function that EventBridge runs at a fixed rate. */
export interface Schedule {
  readonly function: Resource;
  readonly event: Json;
  readonly everyMilliseconds: number;
}

const unitMilliseconds = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Beyond this a timer would fire at once. No local run lives so long. */
const maxTimer = 2_147_483_647;

function rateOf(expression: string): number | undefined {
  const [, count, unit] = /^rate\((\d{1,5}) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  return unit === undefined
    ? undefined
    : Number(count) * unitMilliseconds[unit as keyof typeof unitMilliseconds];
}

/** The template's rules with a rate, as far as they send an input of their own to functions. Others stay in AWS. */
export function readSchedules(assembly: Assembly): Schedule[] {
  return assembly.resources('AWS::Events::Rule').flatMap(({ stack, properties }) => {
    const everyMilliseconds = rateOf(textOf(properties['ScheduleExpression']));
    if (everyMilliseconds === undefined || properties['State'] === 'DISABLED') return [];
    return listAt(properties, 'Targets').flatMap((target) => {
      const { Arn: arn, Input: input } = isObject(target) ? target : {};
      const found = assembly.target(stack, arn);
      return found?.type !== 'AWS::Lambda::Function' || input === undefined
        ? []
        : [
            {
              function: found,
              event: JSON.parse(assembly.text(stack, input)) as Json,
              everyMilliseconds,
            },
          ];
    });
  });
}

/**
 * Runs functions at their rates. The first time is not now, but one period from now.
 *
 * @param invoke - a failure is its own to report
 * @returns ends it
 */
export function runSchedules(
  schedules: readonly Schedule[],
  invoke: (schedule: Schedule) => Promise<unknown>,
): () => void {
  const timers = schedules
    .filter(({ everyMilliseconds }) => everyMilliseconds <= maxTimer)
    .map((schedule) => setInterval(() => void invoke(schedule), schedule.everyMilliseconds).unref());
  return () => {
    timers.forEach(clearInterval);
  };
}
