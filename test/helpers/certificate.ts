import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A key and a certificate that nobody has signed.
 *
 * @param subject - Whom it is for, such as `IP:127.0.0.1`.
 */
export async function selfSigned(subject: string): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'moov-tls-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'crt')];
  const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${subject}`, '-addext', `subjectAltName=${subject}`];
  await promisify(execFile)('openssl', ['req', ...options, ...names, '-keyout', key, '-out', cert]);
  const made = { key: await readFile(key), cert: await readFile(cert) };
  await rm(folder, { recursive: true });
  return made;
}
