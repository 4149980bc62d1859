/** A thread that reads and cleans files: an answer for each request, in their order. */
import { parentPort } from 'node:worker_threads';
import { RingmasterError, type ErrorBody } from '@ringmaster/protocol';
import { cleanFiles, type CleanedDocument, type CleanRequest } from './clean-file.js';

export type CleanAnswer =
  { readonly documents: readonly CleanedDocument[] } | { readonly error: ErrorBody };

async function answer(request: CleanRequest): Promise<CleanAnswer> {
  try {
    const documents: CleanedDocument[] = [];
    for await (const document of cleanFiles(request)) documents.push(document);
    return { documents };
  } catch (error) {
    // Any other error ends the thread, and so is told to whoever waits for it.
    if (!(error instanceof RingmasterError)) throw error;
    return { error: error.toBody() };
  }
}

let last = Promise.resolve();
parentPort?.on('message', (request: CleanRequest) => {
  last = last.then(async () => parentPort?.postMessage(await answer(request)));
});
