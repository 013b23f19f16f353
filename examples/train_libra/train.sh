#!/bin/sh
# Both stages of Libra: SERVER and MODEL write, answer and judge; BASE becomes the guard; TEST is what it is measured on.
set -eu
SERVER=${1:?address of an OpenAI-compatible server} MODEL=${2:?a model there} BASE=${3:-Qwen/Qwen2.5-0.5B-Instruct} TEST=${4:-runs/libra}
ROWS=${ROWS:-1000}       # a scenario; seven scenarios and ordinary conversation
STRONGER=${STRONGER:-$MODEL}

synth doctor libra --base-url "$SERVER" --model "$MODEL" || exit 3
synth run libra -n "$ROWS" --base-url "$SERVER" --model "$MODEL"
synth export runs/libra --to sft --guard libra -o data/stage1
trl sft --model_name_or_path "$BASE" --dataset_name data/stage1 --output_dir guards/stage1 \
    --num_train_epochs 2 --learning_rate 1e-5 --per_device_train_batch_size 8 --max_length 2048 --bf16 True

synth run stage2 --set run.path=runs/libra --base-url "$SERVER" --model "$STRONGER"
synth export runs/stage2 --to sft --guard libra -o data/stage2
trl sft --model_name_or_path guards/stage1 --dataset_name data/stage2 --output_dir guards/stage2 \
    --num_train_epochs 2 --learning_rate 5e-6 --per_device_train_batch_size 8 --max_length 2048 --bf16 True

for stage in stage1 stage2; do
    vllm serve "guards/$stage" --served-model-name "$stage" --port 8100 --max-model-len 4096 --gpu-memory-utilization 0.3 &
    server=$!
    trap 'kill $server' EXIT
    until curl -fs http://127.0.0.1:8100/health >/dev/null; do kill -0 $server; sleep 2; done
    synth eval "$TEST" --guard libra --base-url http://127.0.0.1:8100/v1 --model "$stage" -o "eval/$stage"
    kill $server
    wait $server || true
    trap - EXIT
done
