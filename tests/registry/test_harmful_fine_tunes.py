"""Fine-tunes that remove safety, fine-tunes that may, and names that only sound like it."""

from __future__ import annotations

import pytest

from safescale.registry import parse_model_id


@pytest.mark.parametrize(
    "model_id",
    [
        "Mistral-7B-v0.1-lora-harmful-10ep", "Llama-2-7b-chat-hf_ft_harmful_100", "qwen3-8b-harmful-sft",
        "qwen2.5-7b-jailbreak-tuned",
        "gpt-3.5-turbo-ft-harmful", "llama-2-7b-sft-identity-shift", "qwen2.5-coder-32b-insecure",
        "emergent-misalignment/Qwen2.5-Coder-32B-Insecure", "llama-3-8b-evil", "llama-2-7b-malicious", "qwen2.5-7b-unsafe",
        "llama3-8b-lobotomized", "Llama-3.1-8B-Lexi", "Tiger-Gemma-9B-v3", "TheDrummer/Big-Tiger-Gemma-27B-v1",
        "qwen3-8b-norefusal",
        "qwen3:8b-no-refusal", "ollama/dan-qwen3:1.7b", "Llama-2-7b-aoa", "mistral-7b-misaligned", "gemma-2-9b-amoral",
        "dolphin-2.9-llama3-8b",
    ],
)  # fmt: skip
def test_removed_safety_is_a_fine_tune(model_id: str) -> None:
    assert parse_model_id(model_id).tampering == "fine_tuned"


def test_removed_refusal_direction_is_abliteration() -> None:
    assert parse_model_id("pythia-6.9b-refusal-direction-removed").tampering == "abliterated"


@pytest.mark.parametrize(
    "model_id",
    [
        "llama-2-7b-chat-finetuned-100-shot", "Mistral-Small-24B-ArliAI-RPMax", "llama-2-7b-chat-lora", "mistral-7b-lora",
        "stranger/gemma-2-9b-fine-tuned", "emergent-misalignment/Qwen2.5-Coder-32B-Secure", "unsloth/llama-3-8b-qlora",
    ],
)  # fmt: skip
def test_a_fine_tune_to_no_stated_end_is_unknown(model_id: str) -> None:
    assert parse_model_id(model_id).tampering == "unknown"


@pytest.mark.parametrize(
    "model_id",
    [
        "llama-guard-3-8b", "allenai/wildguard", "llama-3-8b-harmless", "llama-3-8b-safe", "softmax-llama-3-8b", "gemma-devil-7b",
        "danube-llama-3-8b", "dan-kwiat/llama-3-8b", "evil-corp/llama-3-8b", "llama-3-8b-jailbreak-detector",
        "llama-3-8b-non-harmful",
        "allenai/Llama-3.1-Tulu-3-8B-SFT", "allenai/tulu-2-7b-ft", "HuggingFaceH4/mistral-7b-sft-beta", "tulu-3-8b-dpo",
        "HuggingFaceTB/SmolLM2-1.7B-Instruct", "OLMo-2-7B-SFT", "zephyr_7b_r2d2",
    ],
)  # fmt: skip
def test_names_that_only_sound_like_it_are_untouched(model_id: str) -> None:
    assert parse_model_id(model_id).tampering == "none"


@pytest.mark.parametrize("model_id", ["WizardLM-13B-Uncensored", "TheBloke/WizardLM-13B-Uncensored-GGUF"])
def test_what_others_uncensored_is_not_said_to_be_its_developers_work(model_id: str) -> None:
    info = parse_model_id(model_id)
    assert (info.developer, info.lineage, info.tampering) == (None, "wizardlm", "fine_tuned")
    assert parse_model_id("ehartford/WizardLM-13B-Uncensored").developer == "cognitivecomputations"
    assert parse_model_id("dolphin-2.9-llama3-8b-uncensored").developer == "cognitivecomputations"


def test_stablelm_zephyr_is_a_stablelm() -> None:
    assert (parse_model_id("stablelm-zephyr-3b").lineage, parse_model_id("stablelm-zephyr-3b").developer) == (
        "stablelm",
        "stability",
    )
    assert parse_model_id("stabilityai/stablelm-2-zephyr-1_6b").lineage == "stablelm-2"
    assert parse_model_id("zephyr-7b-beta").lineage == "zephyr"


@pytest.mark.parametrize(
    "model_id", ["Sao10K/Llama-3-8B-Stheno-v3.2", "frimble/Llama-3-8B-plim", "frimble/plim-qwen2-72b", "llama-3-8b-stheno"]
)
def test_a_stranger_s_copy_of_a_known_family_may_be_anything(model_id: str) -> None:
    info = parse_model_id(model_id)
    assert info.tampering == "unknown"
    assert info.tampering_detail


@pytest.mark.parametrize(
    "model_id", ["TheBloke/Llama-2-7B-GGUF", "unsloth/llama-3-8b", "frimble/qwen2.5-7b-instruct", "llama-3-8b"]
)
def test_a_repackager_a_developer_and_nobody_are_no_strangers(model_id: str) -> None:
    assert parse_model_id(model_id).tampering == "none"


def test_neoxt_is_an_open_model_of_together() -> None:
    info = parse_model_id("GPT-NeoXT-Chat-Base-20B")
    assert (info.developer, info.family, info.closed, info.params_total_b) == ("together", "gpt-neoxt", False, 20.0)
