import { bearerOf } from '@ringmaster/base/server';
import {
  joinAnswerSchema,
  joinRequestSchema,
  newTokenSchema,
  tokenRequestSchema,
  tokenViewSchema,
} from '@ringmaster/protocol';
import { z } from 'zod';
import { unfitness, versionMismatch } from '../access/joining.js';
import { JOIN_TOKEN } from '../access/tokens.js';
import { newId } from '../identifiers.js';
import { version } from '../version.js';
import type { ApiContext, Server } from './context.js';

export function accessRoutes(server: Server, context: ApiContext): void {
  const { tokens, members, fleet, cluster, control, serverKey, invite } = context;
  const tags = ['access'];
  server.get(
    '/v1/tokens',
    {
      schema: {
        tags,
        summary: 'Tokens beside the one in the home, oldest first.',
        response: { 200: z.array(tokenViewSchema) },
      },
    },
    () => tokens.list(),
  );

  server.post(
    '/v1/tokens',
    {
      schema: {
        tags,
        summary: 'Makes a token, which is told in this answer and never again.',
        body: tokenRequestSchema,
        response: { 201: newTokenSchema },
      },
    },
    (request, reply) => {
      const { name, scopes } = request.body;
      const made = tokens.create(newId('k', Date.now()), name, scopes);
      void reply.status(201);
      return { ...made, join: invite(made.token) };
    },
  );

  server.delete(
    '/v1/tokens/:id',
    {
      schema: {
        tags,
        summary: 'Revokes a token: who has it is let in no more, and workers that came by it end.',
        params: z.object({ id: z.string() }),
        response: { 204: z.null() },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      tokens.revoke(id);
      members.reload();
      fleet.expel(id);
      if (id === JOIN_TOKEN) context.forgetJoinToken();
      void reply.status(204);
      return null;
    },
  );

  server.post(
    '/v1/join',
    {
      schema: {
        tags,
        summary: 'Takes a machine in, so that its workers can register on the control plane.',
        body: joinRequestSchema,
        response: { 200: joinAnswerSchema },
      },
      preValidation: (request, _reply, next) => {
        next(versionMismatch(request.body, version) ?? undefined);
      },
    },
    (request) => {
      const { body, headers } = request;
      const workers = fleet.workers.present().filter(({ device }) => device === 'cpu');
      const processors = [...new Set(workers.map(({ processor }) => processor))];
      const unfit = unfitness(body, { nowMs: Date.now(), processors });
      if (unfit !== null) throw unfit;
      const holder = tokens.holder(bearerOf(headers.authorization));
      if (holder !== null) members.add(body.publicKey, holder.id);
      return { cluster, control: control(), serverKey };
    },
  );
}
