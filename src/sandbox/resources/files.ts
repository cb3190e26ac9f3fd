import { randomUUID } from 'node:crypto';
import { extname } from 'node:path';
import { type ApiResponse, type Call, failure, invalid } from '../http/call.js';
import { list } from './lists.js';
import { route } from './route.js';

/** A file, in the shape of Moov's responses. */
interface FileDetails {
  readonly fileID: string;
  readonly fileName: string;
  readonly accountID: string;
  readonly filePurpose: string;
  /** Nobody looks at it here. */
  readonly fileStatus: 'pending';
  /** JSON, as it was given. */
  readonly metadata: string;
  readonly fileSizeBytes: number;
  readonly createdOn: string;
  readonly updatedOn: string;
}

const purposes = [
  'business_verification',
  'representative_verification',
  'individual_verification',
  'merchant_underwriting',
  'account_requirement',
  'identity_verification',
];

const extensions = ['.csv', '.jpg', '.jpeg', '.pdf', '.png'];

const MOST_BYTES = 20 * 1024 * 1024;
const MOST_FILES = 50;

/**
 * Files, of which the contents are not kept. "The maximum file size is 20MB. Each account is allowed a maximum of 50
 * files. Acceptable file types include csv, jpg, pdf, and png."
 *
 * @see {@link https://docs.moov.io/api/moov-accounts/files/ | Moov: files}
 */
export class Files {
  readonly #files = new Map<string, FileDetails>();

  readonly routes = [
    route('POST', '/accounts/{accountID}/files', (call, { accountID }) => this.#upload(call, accountID)),
    route('GET', '/accounts/{accountID}/files', (call, { accountID }) =>
      list(call, this.#of(accountID), { paged: false }),
    ),
    route('GET', '/accounts/{accountID}/files/{fileID}', (_, { accountID, fileID }) =>
      this.#get(accountID, fileID),
    ),
  ];

  #of(accountID: string): FileDetails[] {
    return [...this.#files.values()].filter((file) => file.accountID === accountID);
  }

  async #upload(call: Call, accountID: string): Promise<ApiResponse> {
    const form = await readForm(call);
    const file = form.get('file');
    if (!(file instanceof File)) throw invalid({ file: 'is required' });
    if (file.size > MOST_BYTES) throw invalid({ file: 'must have at most 20 MB' });
    if (!extensions.includes(extname(file.name).toLowerCase())) {
      throw invalid({ fileName: `must end with one of ${extensions.join(', ')}` });
    }
    const filePurpose = await textOf(form.get('filePurpose'));
    if (!purposes.includes(filePurpose)) {
      throw invalid({ filePurpose: `must be one of ${purposes.join(', ')}` });
    }
    if (this.#of(accountID).length === MOST_FILES)
      throw invalid({ error: 'an account has at most 50 files' });
    const now = new Date().toISOString();
    const details: FileDetails = {
      fileID: randomUUID(),
      fileName: file.name,
      accountID,
      filePurpose,
      fileStatus: 'pending',
      metadata: await textOf(form.get('metadata')),
      fileSizeBytes: file.size,
      createdOn: now,
      updatedOn: now,
    };
    this.#files.set(details.fileID, details);
    return { status: 200, body: details };
  }

  #get(accountID: string, fileID: string): ApiResponse {
    const found = this.#of(accountID).find((file) => file.fileID === fileID);
    if (found === undefined) throw failure(404, 'file not found');
    return { status: 200, body: found };
  }
}

/** The platform's own parser reads it, as RFC 7578 is not for a sandbox to interpret. */
async function readForm({ body, headers }: Call): Promise<FormData> {
  const type = headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) throw failure(400, 'the body must be multipart/form-data');
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  } catch {
    throw failure(400, 'the body is not valid multipart/form-data');
  }
}

/** The text of a part, whether it was sent as a field or as a file. */
async function textOf(part: File | string | null): Promise<string> {
  return part instanceof File ? part.text() : (part ?? '');
}
