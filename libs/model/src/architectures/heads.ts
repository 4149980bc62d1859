import type { ParameterSpec } from '../layers/layer.js';
import { ClassificationHead } from './classification-head.js';
import { checkConfig, type HeadKind, type ModelConfig } from './config.js';
import type { Head } from './head.js';
import { LanguageModelHead } from './language-model-head.js';
import { settingsOf, type TransformerSettings } from './settings.js';
import { Transformer } from './transformer.js';

/** The head of a model. */
export function headOf(config: ModelConfig, settings: TransformerSettings, kind: HeadKind): Head {
  const { labels = 0 } = config;
  switch (kind) {
    case 'masked-language-model':
      return LanguageModelHead.masked(config, settings);
    case 'causal-language-model':
      return LanguageModelHead.causal(config);
    case 'sequence-classification':
      return new ClassificationHead({ ...config, ...settings, labels });
  }
}

/**
 * Names and shapes of the parameters of a model, without a runtime to compute with.
 * @param head Null for the transformer alone.
 * @throws MODEL_CONFIG_INVALID
 */
export function parametersOf(config: ModelConfig, head: HeadKind | null): readonly ParameterSpec[] {
  const fitting =
    config.architecture === 'bert' ? 'masked-language-model' : 'causal-language-model';
  checkConfig(config, head ?? fitting);
  const settings = settingsOf(config);
  const { parameters } = new Transformer(config, settings, false);
  return head === null ? parameters : [...parameters, ...headOf(config, settings, head).parameters];
}
