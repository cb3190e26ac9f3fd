// Loaded before a block that serves: tells the test where, as the block itself need not.
import { Server } from 'node:net';

const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  // The variable is a text; a sandbox in the block takes a number.
  if (args[0] === process.env.PORT) this.once('listening', () => process.send?.(this.address()));
  return listen.apply(this, args);
};
