/**
 * Loaded by each worker of the tests before all else. jest-light-runner sends its configuration once, to all workers, as soon as one of
 * them asks: a worker that does not listen yet would wait for it for ever, and the run with it.
 */
const type = 'jest-light-runner-worker-data';
const question = 'jest-light-runner-get-worker-data';
const { send } = process;

// What a test starts needs none of this.
process.env['NODE_OPTIONS'] = (process.env['NODE_OPTIONS'] ?? '')
  .split(' ')
  .filter((option) => !option.includes(import.meta.filename.replace(/^.*[/\\]/, '')))
  .join(' ');

if (send !== undefined) {
  let early;
  process.on('message', (message) => {
    if (message?.type === type) early = message;
  });
  process.send = (message, ...more) =>
    message === question && early !== undefined
      ? process.emit('message', early)
      : send.call(process, message, ...more);
}
