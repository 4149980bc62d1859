import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** What tests share may be used everywhere, by tests (see below). */
const boundary = (scope, ...uses) => ({
  sourceTag: `scope:${scope}`,
  onlyDependOnLibsWithTags: [...uses, 'testing'].map((use) => `scope:${use}`),
});

/** Functions whose value ECMAScript leaves to the engine in part, or in whole. */
const APPROXIMATED =
  'acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 hypot log log10 log1p log2 pow random sin sinh tan tanh'.split(
    ' ',
  );

/** What an engine computes as the standard says, to the last bit: nothing else may enter weights, hashes and decisions. */
const exactProperties = APPROXIMATED.map((property) => ({
  object: 'Math',
  property,
  message: 'Its last bits are left to the engine; @ringmaster/base has one that is exact.',
}));
const exactSyntax = {
  selector:
    'BinaryExpression[operator="**"]:not([right.type="Literal"], [right.argument.type="Literal"])',
  message: 'Its last bits are left to the engine; use powerOfTwo of @ringmaster/base.',
};

/** What depends on the locale, the time zone or the version of Unicode (docs/decisions/0022). */
const localeProperties = [
  ...['localeCompare', 'toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase'].map(
    (property) => ({ property, message: 'It depends on the locale of the user.' }),
  ),
  { property: 'normalize', message: 'Use normalForm of text/unicode.' },
];
const localeSyntax = [
  { selector: 'NewExpression[callee.name="Date"]', message: 'It depends on the time zone.' },
  {
    selector: String.raw`Literal[regex.pattern=/\\p\{/i]`,
    message: 'Use the tables of text/unicode: those of the platform change with its version.',
  },
];

/** What is a list is written as one: a literal that is spread escapes the check for properties that a type lacks. */
const spreadSyntax = {
  selector: 'SpreadElement > :matches(ObjectExpression, ArrayExpression).argument',
  message: 'Write its elements where it stands.',
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/assembly/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      // One program for all files, in which each sees what others have compiled: a type is inferred once.
      parserOptions: { project: 'tsconfig.lint.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          depConstraints: [
            boundary('testing'),
            boundary('protocol', 'protocol'),
            boundary('base', 'protocol', 'base'),
            boundary('data', 'protocol', 'base', 'data'),
            boundary('tensorflow', 'protocol', 'base', 'tensorflow'),
            boundary('model', 'protocol', 'base', 'tensorflow', 'model'),
            boundary('allreduce', 'protocol', 'base', 'allreduce'),
            boundary('tasks', 'protocol', 'base', 'data', 'tensorflow', 'model', 'tasks'),
            boundary(
              'app',
              'protocol',
              'base',
              'data',
              'tensorflow',
              'model',
              'tasks',
              'allreduce',
            ),
            boundary(
              'test',
              'protocol',
              'base',
              'data',
              'tensorflow',
              'model',
              'tasks',
              'allreduce',
              'app',
              'test',
            ),
          ],
        },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreRestSiblings: true, argsIgnorePattern: '^_' },
      ],
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', spreadSyntax],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', 'docs/generate/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['libs/*/src/**/*.ts', 'apps/*/src/**/*.ts', 'deploy/*/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.test.fixture.ts', '**/*.test.process.ts', '**/testing/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { name: '@ringmaster/testing', message: 'It is for tests: it is not published.' },
      ],
    },
  },
  {
    // What enters weights, hashes and decisions is computed by libs/base/src/elementary.ts.
    files: ['libs/*/src/**/*.ts', 'apps/worker/src/trainer/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.test.*.ts'],
    rules: {
      'no-restricted-properties': ['error', ...exactProperties],
      'no-restricted-syntax': ['error', spreadSyntax, exactSyntax],
    },
  },
  {
    files: ['libs/data/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'libs/data/src/text/unicode.ts'],
    rules: {
      'no-restricted-globals': ['error', 'TextDecoder', 'Intl'],
      'no-restricted-properties': ['error', ...exactProperties, ...localeProperties],
      'no-restricted-syntax': ['error', spreadSyntax, exactSyntax, ...localeSyntax],
    },
  },
  prettier,
);
