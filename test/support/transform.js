import { createHash } from 'node:crypto';
import { transformSync } from 'esbuild';

/** Jest transformer: TypeScript to ESM by esbuild, types dropped (`npm run typecheck` is what checks them). */
export default {
  getCacheKey: (source, path) => createHash('sha256').update(source).update(path).digest('hex'),
  process: (source, path) =>
    transformSync(source, {
      loader: 'ts',
      format: 'esm',
      target: 'node24',
      sourcefile: path,
      sourcemap: 'inline',
    }),
};
