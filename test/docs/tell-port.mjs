// Loaded before a block that serves: tells the test where, as the block itself need not.
import { Server } from 'node:net';

const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  // The variable is a text, which Fastify passes on in an object; a sandbox in the block takes a number.
  const [port] = args;
  if (port === process.env.PORT || String(Object(port).port) === process.env.PORT)
    this.once('listening', () => process.send?.(this.address()));
  return listen.apply(this, args);
};
