/** The steps of the live demonstration (docs/onboarding.md), and the screenshots that browser tests take of them. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { directoryVariable } from '../support/exchanges.ts';

export const demonstrationSteps: readonly string[] = [
  'Open the app and start a sign-in',
  'Sign in with a smartcard',
  'Cancel a sign-in at CIS2',
  'Sign in with an assurance level that is too low',
  'Change acr_values on the way to CIS2',
  'Sign in without a role, with the wrong role and at the wrong organisation',
  'Sign in with several roles, choose one, change it',
  'Finish a sign-in after more than ten minutes',
  'Leave the app alone until the warning',
  'Reach the absolute limit',
  'Sign in again after a time-out',
  'Remove the smartcard',
  'Sign out',
  'End a session from another device',
];

const screenshotName = /^step-(\d\d)-[a-z-]+\.png$/;

/** The step that a screenshot belongs to, by its file name; undefined for any other file. */
export const stepOfScreenshot = (name: string): number | undefined => {
  const number = Number(screenshotName.exec(name)?.[1]);
  return number >= 1 && number <= demonstrationSteps.length ? number : undefined;
};

/**
 * Takes a screenshot of a step of the demonstration, when `npm run evidence` asks for it; otherwise it does nothing.
 *
 * @param step - from 1 to 14, as in docs/onboarding.md
 * @param name - what the screenshot shows, in lower case with hyphens
 */
export async function screenshotOfStep(page: Page, step: number, name: string): Promise<void> {
  const directory = process.env[directoryVariable];
  const file = `step-${String(step).padStart(2, '0')}-${name}.png`;
  if (stepOfScreenshot(file) !== step) throw new RangeError(`${file} is no screenshot of a step`);
  if (directory !== undefined) await page.screenshot({ path: join(directory, file) });
}
