// Builds `dist`, both kinds of modules, if one of the files it is made from has changed since the last build; otherwise
// it does nothing. Several may run at once, and programs may read `dist` meanwhile: each build is made in its
// own folder and replaces `dist` when it is complete. Plain JavaScript, so that it starts fast.
// @ts-check
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Builds in progress, and the lock. Ignored by git, and on the file system of `dist`, so that it can be renamed. */
const work = join(root, '.tmp', 'build');
const lock = join(work, 'lock');
/** The hash of what a build was made from. It is part of the build, so that it changes with it. */
const STAMP = 'inputs.sha256';
/** An older lock is stale: its process ID belongs to another process by now. */
const LOCK_MAX_AGE_MS = 300_000;

/** Hashes contents and not times, which mean nothing after a checkout. */
function hashOfInputs() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const settings = readdirSync(root).filter((name) => /^(tsconfig.*|package|package-lock)\.json$/.test(name));
  const scripts = [import.meta.filename, join(import.meta.dirname, 'bundle.js')];
  for (const file of [...sources, ...settings.map((name) => join(root, name)), ...scripts].sort()) {
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function isCurrent() {
  return read(join(dist, STAMP)) === hashOfInputs();
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string} config @param {string} outDir */
function compile(config, outDir) {
  return run(createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', config, '--outDir', outDir);
}

/** @param {...string} args @returns {Promise<number>} The exit code. */
function run(...args) {
  return new Promise((resolve, reject) => {
    spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
      .once('error', reject)
      .once('close', (code) => resolve(code ?? 1));
  });
}

/** @returns {Promise<number>} The exit code. */
async function build() {
  // Computed first: files that change during the build are built next time.
  const stamp = hashOfInputs();
  const made = join(work, String(process.pid));
  rmSync(made, { recursive: true, force: true });
  const codes = await Promise.all([
    compile('tsconfig.esm.json', join(made, 'esm')),
    compile('tsconfig.cjs.json', join(made, 'cjs')),
  ]);
  const isCompiled = codes.every((code) => code === 0);
  const code = isCompiled ? await run(join(import.meta.dirname, 'bundle.js'), made) : 1;
  if (code === 0) {
    writeFileSync(join(made, 'cjs', 'package.json'), JSON.stringify({ type: 'commonjs' }));
    // npm does it for installed packages; this is for those who link or run the folder.
    chmodSync(join(made, 'esm', 'cli', 'bin.js'), 0o755);
    writeFileSync(join(made, STAMP), stamp);
    replaceDist(made);
  }
  rmSync(made, { recursive: true, force: true });
  return code;
}

/**
 * Replaces `dist` by a build, with two renames in a row. This does not rely on the lock.
 * @param {string} made
 */
function replaceDist(made) {
  const old = `${made}-replaced`;
  for (;;) {
    rmSync(old, { recursive: true, force: true });
    renameIfThere(dist, old);
    try {
      renameSync(made, dist);
      break;
    } catch (error) {
      // Another build came between the two renames.
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EPERM')) throw error;
    }
  }
  rmSync(old, { recursive: true, force: true });
}

/** @param {string} from @param {string} to */
function renameIfThere(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** Waits until no other build is in progress. It only saves work: two builds at once are slow, but correct. */
async function takeLock() {
  const mine = join(work, `${process.pid}.lock`);
  writeFileSync(mine, String(process.pid));
  try {
    for (;;) {
      try {
        // Unlike a created file, a link appears together with its contents.
        linkSync(mine, lock);
        return;
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
      if (isAbandoned()) rmSync(lock, { force: true });
      else await delay(50);
    }
  } finally {
    unlinkSync(mine);
  }
}

function isAbandoned() {
  const holder = read(lock);
  if (holder === undefined) return false;
  if (!isRunning(Number(holder))) return true;
  const stat = statSync(lock, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > LOCK_MAX_AGE_MS;
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

function releaseLock() {
  if (read(lock) === String(process.pid)) rmSync(lock, { force: true });
}

/** Removes the leftovers of builds that were killed. */
function removeLeftovers() {
  for (const name of readdirSync(work)) {
    const pid = Number.parseInt(name, 10);
    if (pid !== process.pid && !Number.isNaN(pid) && !isRunning(pid))
      rmSync(join(work, name), { recursive: true, force: true });
  }
}

/** @param {unknown} error @param {...string} codes */
function hasCode(error, ...codes) {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

if (!isCurrent()) {
  // To stderr: `npm pack --json` and others have their output on stdout.
  console.error('Building…');
  mkdirSync(work, { recursive: true });
  await takeLock();
  // A killed build leaves the lock behind. The next build finds that its holder is not running.
  try {
    removeLeftovers();
    if (!isCurrent()) process.exitCode = await build();
  } finally {
    releaseLock();
  }
}
