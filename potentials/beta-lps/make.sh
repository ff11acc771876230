#!/bin/bash
# How the bundled potentials were made, in order. W holds what comes between; every step goes on where it was killed.
#     W=work bash make.sh            all (about six hours of two cores, most of them for the large cells)
#     W=work bash make.sh fit        only what needs no teacher: the fits, and what is measured of them, from data/
set -euo pipefail
cd "$(dirname "$0")"
W=${W:?a folder for what comes between}
mkdir -p "$W"
export OMP_NUM_THREADS=1
only=${1:-all}
all() { [ "$only" = all ]; }
data() { printf 'data/%s.extxyz.xz ' "$@"; }

loop() {  # NAME: the loop of NAME.toml, its labels into data/
    betalps active-learn "$1.toml" --output "$W/$1" || true  # its status is 1 where labels or iterations are spent
    python pack.py "$W/$1/new.extxyz.xz" --output "data/$1.extxyz.xz"
}

bare="import sys, betalps.potentials as p; p.load(sys.argv[1]).without_active_set().write(sys.argv[2])"

if all; then
    python first.py
    loop loop
    python -c "$bare" "$W/loop/potential.almtp" data/loop.almtp
    python melts.py
    loop loop-hot
    python -c "$bare" "$W/loop-hot/potential.almtp" data/loop-hot.almtp
    loop loop-long
    python -c "$bare" "$W/loop-long/potential.almtp" data/loop-long.almtp
    loop loop-last
    loop loop-20
fi
# what the loop's 1,480 labels are worth by themselves, fitted anew; README.md has the errors
alone="$(data first loop loop-hot loop-long loop-last) --starts 4 --no-active-set --seed 3"
python fit.py $alone --iterations 25 --output "$W/loop-alone.almtp"
python fit.py $alone --energy-weight 4 --cold-weight 6 --level 16 --min-dist 1.5 --iterations 20 \
    --output "$W/loop-16.almtp"
python fit.py $(data earlier collapse ps6 droplets) \
    --warm data/begin.almtp --iterations 2 --output "$W/beta-lps.almtp"
python fit.py $(data earlier loop loop-hot loop-long loop-20 collapse collapse-20 ps6 droplets) \
    --name beta-lps-accurate --level 20 --radial-size 16 --warm data/begin-20.almtp --iterations 0 \
    --energy-weight 2.3 --cold-weight 5.5 --group-weight collapse 0.1 --group-weight droplet 0.001 --group-weight PS6 0.04 \
    --threads 1 --output "$W/beta-lps-accurate.almtp"
if all; then
    python held_out.py "$W/beta-lps.almtp" "$W/test" --output "$W/test.extxyz.xz"
    python label.py "$W/labels" "$W/test.extxyz.xz" --output "$W/test-labelled.extxyz.xz"
    python pack.py "$W/test-labelled.extxyz.xz" --output data/test.extxyz.xz
    python properties.py teacher --output teacher.json
fi
for name in beta-lps beta-lps-accurate; do
    measured="$W/measured/$name"
    python stability.py "$W/$name.almtp" "$measured/stability"
    python boundary_energies.py "$W/$name.almtp" "$measured/boundary_energies"
    if all; then
        python boundary_energies.py teacher "$measured/boundary_energies" --relax
        python large.py "$W/$name.almtp" "$measured/large"
    fi
    python card.py "$W/$name.almtp" --measured "$measured" --output "$W"
done
