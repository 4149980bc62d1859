import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const boundary = (scope, ...uses) => ({
  sourceTag: `scope:${scope}`,
  onlyDependOnLibsWithTags: uses.map((use) => `scope:${use}`),
});

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/assembly/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true },
    },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          depConstraints: [
            boundary('protocol', 'protocol'),
            boundary('data', 'protocol', 'data'),
            boundary('model', 'protocol', 'model'),
            boundary('allreduce', 'protocol', 'allreduce'),
            boundary('tasks', 'protocol', 'data', 'model', 'tasks'),
            boundary('app', 'protocol', 'data', 'model', 'tasks', 'allreduce'),
            boundary('test', 'protocol', 'data', 'model', 'tasks', 'allreduce', 'app', 'test'),
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
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  prettier,
);
