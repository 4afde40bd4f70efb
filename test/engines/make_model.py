"""Makes a tiny Llama with random weights below the folder named by the first argument, in two shapes:
tiny-llama/ (a plain directory) and hub/ (the same files as a Hugging Face cache: HF_HUB_CACHE, model id aim-test/tiny-llama)."""

import hashlib
import os
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHAT = "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=512, special_tokens=["<s>", "</s>", "<unk>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(["the quick brown fox jumps over the lazy dog and runs away"], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=CHAT
    )


def make_model():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        bos_token_id=0,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config).to(torch.bfloat16)


def make_hub(plain, hub):
    """Blobs are named by their SHA-256 and snapshots link to them relatively, as huggingface_hub lays them out."""
    repo = os.path.join(hub, "models--aim-test--tiny-llama")
    revision = hashlib.sha1(b"tiny-llama 1").hexdigest()
    snapshot = os.path.join(repo, "snapshots", revision)
    for folder in (snapshot, os.path.join(repo, "blobs"), os.path.join(repo, "refs")):
        os.makedirs(folder)
    for name in os.listdir(plain):
        with open(os.path.join(plain, name), "rb") as file:
            data = file.read()
        blob = hashlib.sha256(data).hexdigest()
        with open(os.path.join(repo, "blobs", blob), "wb") as file:
            file.write(data)
        os.symlink(f"../../blobs/{blob}", os.path.join(snapshot, name))
    with open(os.path.join(repo, "refs", "main"), "w") as file:
        file.write(revision)


def main(out):
    plain = os.path.join(out, "tiny-llama")
    make_model().save_pretrained(plain)
    make_tokenizer().save_pretrained(plain)
    # safetensors writes 0600, and containers read the model as another user.
    for name in os.listdir(plain):
        os.chmod(os.path.join(plain, name), 0o644)
    make_hub(plain, os.path.join(out, "hub"))


main(sys.argv[1])
