# Where the data and networks of the four workloads of the evaluation are, by the variables that scripts/record-reference.sh explains. Sourced.

missing_variable() {  # WORKLOAD: names the variable that it lacks, if any
  case $1 in
    imagenet) if [ -z "${IMAGENET:-}" ]; then echo IMAGENET; elif [ -z "${IMAGENET_NETWORKS:-}" ]; then echo IMAGENET_NETWORKS; fi ;;
    squad) if [ -z "${SQUAD:-}" ]; then echo SQUAD; elif [ -z "${SQUAD_NETWORKS:-}" ]; then echo SQUAD_NETWORKS; fi ;;
  esac
}

minutes_of_a_seed() {  # WORKLOAD: how long its recordings take, on two processors
  case $1 in fashion-mnist) echo 10 ;; ptb) echo 30 ;; imagenet) echo 45 ;; squad) echo 25 ;; esac
}

set_data_options() {  # WORKLOAD: sets data_options, for run, record and profile
  data_options=()
  case $1 in
    ptb) [ -z "${PTB:-}" ] || data_options=(--data "ptb=$PTB") ;;
    imagenet) data_options=(--data "imagenet=$IMAGENET" --networks "$IMAGENET_NETWORKS") ;;
    squad) data_options=(--data "squad=$SQUAD" --networks "$SQUAD_NETWORKS") ;;
  esac
}

omit_folders() {  # FILE...: results are shared, so they name no folder of this machine
  local folder
  for folder in "${PTB:-}=ptb" "${IMAGENET:-}=imagenet" "${SQUAD:-}=squad" "${IMAGENET_NETWORKS:+$(dirname "$IMAGENET_NETWORKS")}=networks" \
    "${SQUAD_NETWORKS:+$(dirname "$SQUAD_NETWORKS")}=networks"; do
    [ -z "${folder%=*}" ] || sed -i "s#${folder%=*}#${folder##*=}#g" "$@"
  done
}
