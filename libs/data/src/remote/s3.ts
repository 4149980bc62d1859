import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type * as Library from '@aws-sdk/client-s3';
import { namesSeveral, RingmasterError, type BucketLocation } from '@ringmaster/protocol';
import { Interrupted, type RemoteFile, type Stretch } from './download.js';

/** The client of S3, which is large and loaded where there is such a source. */
type ClientLibrary = typeof Library;

/** An object as a bucket lists it. */
export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  /** What the storage calls this version of it, which no other content of the key has. */
  readonly tag: string;
  readonly bytes: number;
}

/** Region where none is said: storage that is none of Amazon's takes any. */
const REGION = 'us-east-1';

/**
 * Storage that speaks S3, as the environment and `~/.aws` of this user say: credentials, region and endpoint are found as
 * the AWS command line finds them. Buckets of an endpoint that is said are parts of the path, as all servers know them.
 */
export class Storage {
  readonly #library: ClientLibrary;
  readonly #client: S3Client;
  /** Its URL; empty for Amazon's. */
  readonly endpoint: string;

  private constructor(library: ClientLibrary, client: S3Client, endpoint: string) {
    this.#library = library;
    this.#client = client;
    this.endpoint = endpoint;
  }

  static async open(): Promise<Storage> {
    const library = await import('@aws-sdk/client-s3');
    const { config } = new library.S3Client({});
    const endpoint = await endpointOf(config);
    const region = await config.region().catch(() => REGION);
    const forcePathStyle = endpoint !== null;
    const client = new library.S3Client({ region, forcePathStyle, followRegionRedirects: true });
    return new Storage(library, client, endpoint ?? '');
  }

  close(): void {
    this.#client.destroy();
  }

  /** The objects that a location names, in the order of their keys; one that it names as such is one. */
  async *list(location: BucketLocation): AsyncGenerator<StoredObject> {
    const { bucket, key } = location;
    if (!namesSeveral(location)) {
      const { ETag, ContentLength } = await once(bucket, key, () =>
        this.#client.send(new this.#library.HeadObjectCommand({ Bucket: bucket, Key: key })),
      );
      yield { bucket, key, tag: ETag ?? '', bytes: ContentLength ?? 0 };
      return;
    }
    const prefix = key.replace(/[*?].*$/s, '');
    for (let token: string | undefined; ;) {
      const page = await once(bucket, key, () =>
        this.#client.send(
          new this.#library.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ContinuationToken: token,
          }),
        ),
      );
      for (const { Key, ETag, Size } of page.Contents ?? [])
        if (Key !== undefined) yield { bucket, key: Key, tag: ETag ?? '', bytes: Size ?? 0 };
      token = page.NextContinuationToken;
      if (page.IsTruncated !== true || token === undefined) return;
    }
  }

  file(object: StoredObject): RemoteFile {
    const { bucket, key, tag, bytes: total } = object;
    return {
      failed: (reason) => failed(bucket, key, reason),
      open: async (from): Promise<Stretch> => {
        if (from >= total) return { start: from === total ? from : 0, total, bytes: none() };
        const command = new this.#library.GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(tag === '' ? {} : { IfMatch: tag }),
          ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
        });
        const { Body } = await this.#client.send(command).catch((error: unknown) => {
          throw explained(bucket, key, error);
        });
        return { start: from, total, bytes: explaining(bucket, key, Body) };
      },
    };
  }
}

/** The endpoint that the environment or `~/.aws` says; null for Amazon's own. */
async function endpointOf(config: S3Client['config']): Promise<string | null> {
  const { serviceConfiguredEndpoint: configured } = config as {
    readonly serviceConfiguredEndpoint?: () => Promise<string | undefined>;
  };
  return (await configured?.()) ?? null;
}

/** What the storage answers, which the client has asked several times where that is of use. @throws DATA_BUCKET_FAILED */
async function once<T>(bucket: string, key: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const cause = explained(bucket, key, error);
    throw cause instanceof Interrupted ? failed(bucket, key, cause.message) : cause;
  }
}

async function* explaining(
  bucket: string,
  key: string,
  body: GetObjectCommandOutput['Body'],
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw explained(bucket, key, error);
  }
}

async function* none(): AsyncGenerator<Uint8Array> {
  // An object of no bytes, or one of which all bytes are here.
}

const failed = (bucket: string, key: string, reason: string): RingmasterError =>
  new RingmasterError('DATA_BUCKET_FAILED', { bucket, key, reason });

const TOO_MANY = 429;
const BROKEN = 500;

/** What the client's errors mean, by their names or, where an answer has no text, by its status. */
const meanings: Readonly<Record<string, string>> = {
  NoSuchKey: 'there is no such object',
  NotFound: 'there is no such object, or no such bucket',
  NoSuchBucket: 'there is no such bucket',
  AccessDenied: 'it may not be read with these credentials',
  403: 'it may not be read with these credentials',
  412: 'it was changed while it was being fetched',
  CredentialsProviderError: 'no credentials were found',
  InvalidAccessKeyId: 'the storage does not know this access key',
  SignatureDoesNotMatch: 'the secret key is not that of the access key',
};

/** An error of the client in our words: Interrupted where the storage may answer otherwise soon. */
function explained(bucket: string, key: string, error: unknown): Error {
  const { name, message, code, $metadata } = error as Error & {
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  const isForNow =
    status === undefined
      ? name !== 'CredentialsProviderError'
      : status === TOO_MANY || status >= BROKEN;
  const said = message === '' ? (code ?? name) : message;
  if (isForNow) return new Interrupted(said, { cause: error });
  return failed(bucket, key, meanings[name] ?? meanings[status ?? ''] ?? `${name}: ${said}`);
}
