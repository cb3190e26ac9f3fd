import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import express from 'express';
import pino from 'pino';
import winston from 'winston';
import { moovErrorHandler } from '../../src/index.js';
import { reach } from './reach.js';
import { found, type Needle, needlesOf, type Secret } from './secrets.js';

/** What all inspections of a test file came to, for the report. */
export interface Figures {
  /** Values that were inspected in every way. */
  values: number;
  /** Texts that loggers, printers and serialisers made of them. */
  texts: number;
  /** Objects that could be reached from them. */
  objects: number;
  /** Secrets seen. */
  secrets: number;
}

export function newFigures(): Figures {
  return { values: 0, texts: 0, objects: 0, secrets: 0 };
}

/** Looks at values in every way in which a program, a log or a person could, for the secrets of one test. */
export class Inspector {
  readonly #figures: Figures;
  readonly #secrets: () => readonly Secret[];

  constructor(figures: Figures, secrets: () => readonly Secret[]) {
    this.#figures = figures;
    this.#secrets = secrets;
  }

  /**
   * Fails when a secret can be seen in any of the values, and says where.
   *
   * @param standing - What is there before and after every call. It is printed and walked, which shows all that a
   * logger could; the loggers themselves get to see it where it is among the values.
   */
  async expectNone(
    values: Readonly<Record<string, unknown>>,
    standing: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const secrets = this.#secrets();
    if (secrets.length === 0) throw new Error('there is no secret to search for');
    const needles = needlesOf(secrets);
    const sightings = [
      ...(await this.#search(values, needles)),
      ...(await this.#search(standing, needles, printedText)),
    ];
    if (sightings.length === 0) return;
    throw new Error([`${sightings.length} secrets can be seen:`, ...sightings.slice(0, 40)].join('\n'));
  }

  /** Where a secret can be seen. */
  async sightings(values: Readonly<Record<string, unknown>>): Promise<string[]> {
    return this.#search(values, needlesOf(this.#secrets()));
  }

  async #search(
    values: Readonly<Record<string, unknown>>,
    needles: readonly Needle[],
    texts: (value: unknown) => Text[] | Promise<Text[]> = textsOf,
  ): Promise<string[]> {
    const sightings: string[] = [];
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) continue;
      this.#figures.values++;
      // Several ways often lead to the same text.
      const searched = new Set<string>();
      for (const { way, text } of await texts(value)) {
        this.#figures.texts++;
        if (searched.has(text)) continue;
        searched.add(text);
        sightings.push(
          ...found(text, needles).map(({ secret, form }) => `${name}: ${secret}, ${form}, in ${way}`),
        );
      }
      const { sights, objects } = await reach(value);
      this.#figures.objects += objects;
      // All at once first, as nearly always there is nothing. No secret holds the separator.
      if (found(sights.map(({ text }) => text).join('\0'), needles).length === 0) continue;
      for (const { path, text } of sights) {
        sightings.push(
          ...found(text, needles).map(({ secret, form }) => `${name}: ${secret}, ${form}, at ${path}`),
        );
      }
    }
    this.#figures.secrets += sightings.length;
    return sightings;
  }
}

interface Text {
  readonly way: string;
  readonly text: string;
}

function printedText(value: unknown): Text[] {
  return [{ way: 'inspect', text: printed(value) }];
}

async function textsOf(value: unknown): Promise<Text[]> {
  const texts: Text[] = [];
  const add = (way: string, make: () => unknown) => {
    const text = tried(make);
    if (text !== undefined) texts.push({ way, text });
  };
  add('inspect', () => printed(value));
  add('inspect of proxies', () => inspect(value, { depth: null, showHidden: true, showProxy: true }));
  add('JSON.stringify', () => JSON.stringify(value));
  add('JSON.stringify without cycles', () => JSON.stringify(value, withoutCycles()));
  add('String', () => String(value));
  add('pino { err }', () => pinoLine({ err: value }));
  add('pino { res }', () => pinoLine({ res: value }));
  add('pino { req }', () => pinoLine({ req: value }));
  add('pino, everything', () => pinoLine({ value }));
  add('winston, message', () => winstonLine({ level: 'error', message: value }));
  add('winston, meta', () => winstonLine({ level: 'error', message: 'm', err: value, res: value }));
  if (typeof value === 'object' && value !== null && 'toJSON' in value) {
    const { toJSON } = value;
    if (typeof toJSON === 'function') add('toJSON', () => printed(Reflect.apply(toJSON, value, [])));
  }
  if (value instanceof Error) {
    add('stack', () => value.stack);
    add('message', () => value.message);
    add('all own properties', () => JSON.stringify(value, Object.getOwnPropertyNames(value)));
    add('pino err', () => printed(pino.stdSerializers.err(value)));
    add('pino err, JSON', () => JSON.stringify(pino.stdSerializers.err(value), withoutCycles()));
    add('pino errWithCause', () => printed(pino.stdSerializers.errWithCause(value)));
    add('pino errWithCause, JSON', () =>
      JSON.stringify(pino.stdSerializers.errWithCause(value), withoutCycles()),
    );
    for (const exposeUpstream of [false, true]) {
      texts.push({
        way: `problem+json, exposeUpstream ${exposeUpstream}`,
        text: await problem(value, exposeUpstream),
      });
    }
  }
  return texts;
}

export function printed(value: unknown): string {
  // Two getters of every function throw, and stacks of those errors would take most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return inspect(value, {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      getters: true,
      maxArrayLength: null,
      maxStringLength: null,
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What a way of looking makes of a value; the error's text where it can't, as that may tell something too. */
function tried(make: () => unknown): string | undefined {
  try {
    const made = make();
    return made === undefined ? undefined : String(made);
  } catch (error) {
    return inspect(error);
  }
}

function withoutCycles(): (key: string, value: unknown) => unknown {
  const seen = new WeakSet();
  return (_key, value) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return value;
  };
}

/** What a real pino logger, told to go as deep as it is led, writes. */
function pinoLine(fields: object): string {
  let line = '';
  const memory = new Writable({
    write(chunk: Buffer, _encoding, done) {
      line += chunk.toString();
      done();
    },
  });
  const logger = pino(
    {
      depthLimit: 50,
      edgeLimit: 1_000,
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    memory,
  );
  logger.error(fields, 'failed');
  return line;
}

const { combine, errors, json } = winston.format;
const winstonFormat = combine(errors({ stack: true, cause: true }), json());

function winstonLine(info: { level: string; message: unknown; [key: string]: unknown }): string {
  const made = winstonFormat.transform(info, {});
  if (typeof made !== 'object') return '';
  // The line. What else it has made leads to parts of the value, which are walked.
  return String(Reflect.get(made, Symbol.for('message')));
}

let answering: Promise<string> | undefined;
let thrown: Error | undefined;

/** One application for all errors: what it answers with when a route fails with one. */
async function problem(error: Error, exposeUpstream: boolean): Promise<string> {
  answering ??= listen();
  thrown = error;
  const response = await fetch(`${await answering}/${exposeUpstream ? 'exposed' : 'plain'}`);
  return `${JSON.stringify([...response.headers])} ${await response.text()}`;
}

function listen(): Promise<string> {
  const app = express();
  const fail: express.RequestHandler = () => {
    throw thrown;
  };
  app.use('/plain', fail, moovErrorHandler());
  app.use('/exposed', fail, moovErrorHandler({ exposeUpstream: true }));
  // Express's own handler would print what is not Moov's.
  const rest: express.ErrorRequestHandler = (_error, _req, res, _next) => {
    res.status(500).end();
  };
  app.use(rest);
  return new Promise((resolve, reject) => {
    const server = app.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(`http://127.0.0.1:${address.port}`);
      else reject(new Error('not listening'));
    });
    // A search may take longer than the usual 5 s, and the next request is not to meet a connection as it closes.
    server.keepAliveTimeout = 600_000;
    server.unref();
  });
}
