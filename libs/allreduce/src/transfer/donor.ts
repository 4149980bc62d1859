import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { SharedMemory } from '@ringmaster/base';
import { type Context, Router } from 'zeromq';
import type { Authenticator } from '../authenticator.js';
