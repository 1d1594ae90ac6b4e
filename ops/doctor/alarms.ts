import { Fault } from './check.ts';
import type { Alarm } from '../alarms.ts';

const named = (alarms: readonly Alarm[]): string =>
  alarms
    .slice(0, 5)
    .map(({ name }) => name)
    .join(', ') + (alarms.length > 5 ? ` and ${String(alarms.length - 5)} more` : '');

export function checkAlarms(alarms: readonly Alarm[]): string {
  if (alarms.length === 0) {
    throw new Fault('the environment has no alarm', 'They come with the stateless stack: deploy it again.');
  }
  const silent = alarms.filter(({ actions, enabled }) => actions === 0 || !enabled);
  if (silent.length > 0) {
    throw new Fault(
      `nobody is told of ${named(silent)}: no action, or actions switched off`,
      'Give the environment an address for its alarms and deploy it, or switch their actions on again.',
    );
  }
  const ringing = alarms.filter(({ state }) => state === 'ALARM');
  if (ringing.length > 0) {
    throw new Fault(
      `in alarm: ${named(ringing)}`,
      'The description of each names its section of the runbook: follow it.',
    );
  }
  return `${String(alarms.length)} alarms, each with an action, none of them in alarm`;
}
