import { Fault } from './check.ts';
import type { Alarm, AlarmSubscriptions } from '../alarms.ts';

const named = (alarms: readonly Alarm[]): string =>
  alarms
    .slice(0, 5)
    .map(({ name }) => name)
    .join(', ') + (alarms.length > 5 ? ` and ${String(alarms.length - 5)} more` : '');

export function checkAlarms(alarms: readonly Alarm[]): string {
  if (alarms.length === 0) {
    throw new Fault('the environment has no alarm', 'They come with the stacks: deploy again, with --all.');
  }
  const silent = alarms.filter(({ actions, enabled }) => actions === 0 || !enabled);
  if (silent.length > 0) {
    throw new Fault(
      `nobody is told of ${named(silent)}: no action, or actions switched off`,
      'Give the environment an address for its alarms and deploy it, or switch their actions on again.',
    );
  }
  const unexplained = alarms.filter(({ description }) => !/\brunbooks\.md#[a-z0-9-]+/.test(description));
  if (unexplained.length > 0) {
    throw new Fault(
      `no section of the runbook is named by ${named(unexplained)}`,
      'Alarms of this project name one in their descriptions: deploy again, or give an alarm of your own one.',
    );
  }
  const ringing = alarms.filter(({ state }) => state === 'ALARM');
  if (ringing.length > 0) {
    throw new Fault(
      `in alarm: ${named(ringing)}`,
      'The description of each names its section of the runbook: follow it.',
    );
  }
  const isMeasured = alarms.some(({ state }) => state !== undefined);
  return `${String(alarms.length)} alarms wired, each with an action and a section of the runbook${isMeasured ? ', none of them in alarm' : ' (in the template: nothing is measured here)'}`;
}

/** An alarm whose topic has no confirmed subscription tells nobody. */
export function checkSubscriptions(
  { confirmed, pending }: AlarmSubscriptions,
  severity: 'alarm' | 'warning',
): string {
  const topic = severity === 'alarm' ? 'AlarmTopicArn' : 'WarningTopicArn';
  if (confirmed === 0) {
    throw new Fault(
      pending === 0
        ? `nobody has subscribed to the topic of the ${severity}s`
        : `nobody hears the ${severity}s: ${String(pending)} subscribed to their topic, and none has confirmed it`,
      pending === 0
        ? `Give the environment an address for its ${severity}s (${severity}Email) and deploy it, or subscribe to the topic in the stack output ${topic}.`
        : 'Follow the link in the mail from AWS within three days; subscribe again where it is older.',
    );
  }
  return `${String(confirmed)} confirmed${pending === 0 ? '' : `, ${String(pending)} not yet confirmed`}`;
}
