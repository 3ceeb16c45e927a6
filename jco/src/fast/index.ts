// What a component imports, with the fast form in it.

import * as shim from '@bytecodealliance/preview2-shim/io';

import { Descriptor, DirectoryEntryStream } from '../descriptor.js';
import { waitingMethods } from '../jspi.js';
import { InputStream, IoError, OutputStream } from '../streams.js';
import { descriptor, entries } from './descriptor.js';
import { lower, relinked, suspending } from './linkage.js';
import { inputStream, outputStream } from './streams.js';

lower(Descriptor.prototype, descriptor);
lower(DirectoryEntryStream.prototype, entries);
lower(InputStream.prototype, inputStream);
lower(OutputStream.prototype, outputStream);

/** The classes of `wasi:filesystem/types`. */
export const types = { Descriptor, DirectoryEntryStream };

/** The same for a file system with a mount that waits. */
export const waitingTypes = {
  Descriptor: relinked(Descriptor, waitingMethods, suspending),
  DirectoryEntryStream,
};

/** `wasi:io`, with streams that may be files and may be the shim's. */
export const io = {
  error: { Error: IoError },
  poll: shim.poll,
  streams: { InputStream, OutputStream },
};

export { give } from './streams.js';
