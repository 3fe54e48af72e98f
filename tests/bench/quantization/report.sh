#!/bin/sh
# The table and the plot of libfp4/quant/README.md: every recipe and format on one model, against the model itself.
# Goes on where an earlier run stopped.
set -eu

usage() {
    cat << 'END'
Usage: sh tests/bench/quantization/report.sh FP4 MODEL TEXT CALIBRATION FOLDER [REPORT ARGUMENTS]

  FP4          the program
  MODEL        unquantized model
  TEXT         text to evaluate on
  CALIBRATION  text to calibrate on; no line of it in TEXT
  FOLDER       for rows.csv, table.md, plot.svg and the quantized files

REPORT ARGUMENTS go to every 'fp4 report', for example: --windows 32 --calib-sequences 32
END
}
[ $# -ge 5 ] || {
    usage >&2
    exit 2
}
fp4=$1 model=$2 text=$3 calibration=$4 folder=$5
shift 5
here=$(dirname "$0")
mkdir -p "$folder"

# Arguments: recipes, formats, paths.
measure() {
    "$fp4" report --model "$model" --text "$text" --calib "$calibration" --calib-length 512 \
        --csv "$folder/rows.csv" --markdown "$folder/table.md" --svg "$folder/plot.svg" --work "$folder/work" "$@"
}

for format in mxfp4 nvfp4; do
    measure rtn rtn-hadamard gptq mr-gptq duquant++ --format $format --path w4a4 --path w4a16 --path w4a8 "$@"
    measure best duquant++gptq smooth-hadamard awq smoothquant quarot --format $format --path w4a4 "$@"
    measure "$here/best-weights-only.json" --format $format --path w4a16 "$@"
done
measure rtn --format mxfp8-e4m3 --format mxfp6-e2m3 --format mxfp6-e3m2 --path w4a8 --path w4a16 "$@"
measure "$here/fp-quant-rtn.json" "$here/fp-quant-rtn-hadamard.json" "$here/fp-quant-rtn-nvfp4.json" \
    --path w4a4 --path w4a16 "$@"
