/**
 * Synthesises every environment, to look at, or with `-c env=NAME` that one, which alone can be deployed. With `-c env=pr-NUMBER` that of
 * a pull request.
 */
import { bundleFunctions } from './bundle.ts';
import { synthesise } from './synthesis.ts';

synthesise(bundleFunctions);
