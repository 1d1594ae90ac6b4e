import { useRig } from './use-rig.ts';

/** One running product for several files of tests. */
export const rig = await useRig();
