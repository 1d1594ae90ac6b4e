import { useRig } from './use-rig.ts';

/** The running product of `demo-sessions.test.ts`. Test files share modules, so no other test file may import this one. */
export const rig = await useRig();
