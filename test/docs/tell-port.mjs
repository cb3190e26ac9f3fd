// Loaded before a block that serves: tells the test where, as the block itself need not.
import { Server } from 'node:net';

const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  this.once('listening', () => process.send?.(this.address()));
  return listen.apply(this, args);
};
