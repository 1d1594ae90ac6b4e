import { Fault } from './check.ts';
import type { Alarm, AlarmSubscriptions } from '../alarms.ts';

const named = (alarms: readonly Alarm[]): string =>
  alarms
    .slice(0, 5)
    .map(({ name }) => name)
    .join(', ') + (alarms.length > 5 ? ` and ${String(alarms.length - 5)} more` : '');

export function checkAlarms(alarms: readonly Alarm[]): string {
  if (alarms.length === 0) {
    throw new Fault('the environment has no alarm', 'The stacks have them: deploy again, with --all.');
  }
  const silent = alarms.filter(({ actions, enabled }) => actions === 0 || !enabled);
  if (silent.length > 0) {
    throw new Fault(
      `${named(silent)}: no action, or actions disabled, so nobody is notified`,
      'Give the environment an address for its alarms and deploy it, or enable their actions again.',
    );
  }
  const unexplained = alarms.filter(({ description }) => !/What to do: \S+#[a-z0-9-]+/.test(description));
  if (unexplained.length > 0) {
    throw new Fault(
      `${named(unexplained)}: the description names no section of the runbook`,
      'Alarms of this project name one in their descriptions: deploy again. The description of an alarm of your own needs “What to do: ADDRESS#SECTION”.',
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
  return `${String(alarms.length)} alarms, each with an action and a section of the runbook${isMeasured ? ', none of them in alarm' : ' (in the template: a local start measures nothing)'}`;
}

/** An alarm whose topic has no confirmed subscription notifies nobody. */
export function checkSubscriptions(
  { confirmed, pending }: AlarmSubscriptions,
  severity: 'alarm' | 'warning',
): string {
  const topic = severity === 'alarm' ? 'AlarmTopicArn' : 'WarningTopicArn';
  if (confirmed === 0) {
    throw new Fault(
      pending === 0
        ? `nobody has subscribed to the topic of the ${severity}s`
        : `nobody receives the ${severity}s: ${String(pending)} subscribed to their topic, and none has confirmed it`,
      pending === 0
        ? `Give the environment an address for its ${severity}s (${severity}Email) and deploy it, or subscribe to the topic in the stack output ${topic}.`
        : 'Follow the link in the mail from AWS within three days; subscribe again where it is older.',
    );
  }
  return `${String(confirmed)} confirmed${pending === 0 ? '' : `, ${String(pending)} not yet confirmed`}`;
}
