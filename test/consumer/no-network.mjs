/** Preloaded: whatever opens a connection, or looks a name up, fails. */
import dns from 'node:dns';
import net from 'node:net';

const refuse = () => {
  throw new Error('there is no network here');
};
net.Socket.prototype.connect = refuse;
dns.lookup = refuse;
