#!/bin/sh
# 2,000 rows with a real model of 7B or more, and every figure about them that stand-in models cannot prove, in report.txt.
set -eu
SERVER=${1:?address of an OpenAI-compatible server} MODEL=${2:?a model there, of 7B or more} JUDGE=${3:-$MODEL}
RUN=runs/protocol
exec 3>report.txt
say() { printf '\n== %s\n' "$1" | tee /dev/fd/3; }
tell() { "$@" 2>&1 | tee /dev/fd/3; }

say "can the models do their part"
tell synth doctor libra -o "$RUN" --base-url "$SERVER" --model "$MODEL" --seconds 300 || true

say "2,000 rows: yield of every stance, refusals, drops by reason, calls and tokens"
tell synth run libra -n 250 -o "$RUN" --base-url "$SERVER" --model "$MODEL" --set "models.judge_b.model=$JUDGE" --on-doubt warn || true

say "agreement by answerer and judge, controls, floors, diversity beside real sets: the card"
tell cat "$RUN/dataset/README.md"

say "behaviours, forms and lengths asked for and got"
tell synth show "$RUN" --coverage

say "what alone tells the label: the query, the answer, length, form, opening"
tell synth probe "$RUN"

say "what redaction changed, what the outline stopped: read these, nobody else can"
for cell in 'crime.*/harmful/unsafe' 'misinformation.*/harmful/unsafe' 'bias.*/harmful/unsafe'; do tell synth show "$RUN" "$cell" --most 20; done

say "label first and intent first, rule in either order (LABELLED: a table of query, response, label by people)"
[ -z "${LABELLED:-}" ] || tell python benchmarks/judges.py "$LABELLED" "$SERVER" "$MODEL" 364

say "a guard of 0.5B trained on these rows, measured on their validation rows and on TEST"
tell synth export "$RUN" --to sft --guard libra -o data/protocol
tell trl sft --model_name_or_path Qwen/Qwen2.5-0.5B-Instruct --dataset_name data/protocol --output_dir guards/protocol \
    --num_train_epochs 2 --learning_rate 1e-5 --per_device_train_batch_size 8 --max_length 2048 --bf16 True
vllm serve guards/protocol --served-model-name guard --port 8100 --max-model-len 4096 --gpu-memory-utilization 0.3 &
server=$!
trap 'kill $server' EXIT
until curl -fs http://127.0.0.1:8100/health >/dev/null; do kill -0 $server; sleep 2; done
for test in "$RUN" ${TEST:-}; do tell synth eval "$test" --guard libra --base-url http://127.0.0.1:8100/v1 --model guard; done
echo "report.txt"
