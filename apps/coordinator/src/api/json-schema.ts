import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';

const union = z.looseObject({
  oneOf: z.array(z.looseObject({ properties: z.record(z.string(), z.looseObject({})) })),
});

/**
 * Describes a route for OpenAPI. A union of which one alternative may go without its name is told as `anyOf`: the names that
 * its alternatives require do not tell it from the others, though a request has one meaning.
 */
export const describeRoute: typeof jsonSchemaTransform = (route) => {
  const described = jsonSchemaTransform(route);
  const schema = JSON.parse(JSON.stringify(described.schema), (_, value: unknown) =>
    withAnyOf(value),
  ) as typeof described.schema;
  return { ...described, schema };
};

function withAnyOf(value: unknown): unknown {
  const { data } = union.safeParse(value);
  if (data === undefined) return value;
  const { oneOf, ...others } = data;
  const isNamedByDefault = oneOf.some(({ properties }) =>
    Object.values(properties).some((property) => 'const' in property && 'default' in property),
  );
  return isNamedByDefault ? { ...others, anyOf: oneOf } : value;
}
