/** The special tokens, whose ids are their positions. */
export const specialTokens = ['<s>', '</s>', '<pad>', '<unk>'] as const

const words =
  'the of and to in is that for it as was with on are this be at by from have not model token answer question hello world'.split(' ')

const isPrintable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174

// GPT-2's alphabet: printable bytes stand for themselves, the others for the characters from 256 on, in order.
const alphabet = (): readonly string[] => {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++))
}

// A merge for every longer beginning of each word with the space before it: enough for a tokenizer that shortens English a little.
const merges = (): readonly (readonly [string, string])[] => {
  const pairs = words.flatMap((word) => [...word].map((letter, index) => [`Ġ${word.slice(0, index)}`, letter] as const))
  return [...new Map(pairs.map((pair) => [pair.join(''), pair])).values()]
}

type Special = (typeof specialTokens)[number]

const template = (before: Special, after: Special | undefined) => {
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } })
  const end = after === undefined ? [] : [special(after)]
  const used = after === undefined ? [before] : [before, after]
  const entry = (id: Special) => [id, { id, ids: [specialTokens.indexOf(id)], tokens: [id] }]
  return {
    type: 'TemplateProcessing',
    single: [special(before), sequence('A', 0), ...end],
    pair: [special(before), sequence('A', 0), ...end, sequence('B', 1), ...end],
    special_tokens: Object.fromEntries(used.map(entry)),
  }
}

const added = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})

/** tokenizer.json of a byte-level BPE in the format of the `tokenizers` library; an encoder's ends its sequences, a decoder's does not. */
export const tokenizerJson = (kind: 'decoder' | 'encoder'): Record<string, unknown> => {
  const pairs = merges()
  const tokens = [...specialTokens, ...alphabet(), ...pairs.map((pair) => pair.join(''))]
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map(added),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: template('<s>', kind === 'encoder' ? '</s>' : undefined),
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: pairs,
    },
  }
}

/** special_tokens_map.json. */
export const specialTokensMap = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>', unk_token: '<unk>' } as const

const chatTemplate =
  "{% for message in messages %}{{ '<s>' + message['role'] + ': ' + message['content'] + '</s>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<s>assistant: ' }}{% endif %}"

/** tokenizer_config.json; a decoder's has a chat template. */
export const tokenizerConfig = (kind: 'decoder' | 'encoder', maxLength: number): Record<string, unknown> => ({
  tokenizer_class: 'PreTrainedTokenizerFast',
  ...specialTokensMap,
  model_max_length: maxLength,
  clean_up_tokenization_spaces: false,
  added_tokens_decoder: Object.fromEntries(
    specialTokens.map((content, id) => [
      id,
      { content, lstrip: false, normalized: false, rstrip: false, single_word: false, special: true },
    ]),
  ),
  ...(kind === 'decoder' && { chat_template: chatTemplate }),
})
