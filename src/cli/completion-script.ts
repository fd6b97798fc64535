import { DIRECTORIES, KINDS } from "../config/kinds.ts";
import type { Command } from "./command.ts";
import { flagName } from "./settings.ts";

/** Shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** Whether there is a script for a shell. */
export function isShell(name: string): name is Shell {
  return SHELLS.some((shell) => shell === name);
}

interface Flag {
  readonly name: string;
  readonly letter: string | undefined;
  readonly help: string;
  /** Stands for the value; `undefined` where it takes none. */
  readonly value: string | undefined;
}

/** Every flag of a command, its settings included. */
function flagsOf({ settings, options = {}, switches = {} }: Command): Flag[] {
  return [
    ...Object.entries(settings).map(([name, { value, help }]) => ({
      name: flagName(name),
      letter: undefined,
      help,
      value,
    })),
    ...Object.entries(options).map(([name, { value, help, letter }]) => ({ name, letter, help, value })),
    ...Object.entries(switches).map(([name, help]) => ({ name, letter: undefined, help, value: undefined })),
    { name: "help", letter: "h", help: "Show this help", value: undefined },
  ];
}

/** Words that an argument can be; `file` where it is a path; nothing where it is anything. */
function wordsOf(positional: string): readonly string[] | "file" {
  if (positional.startsWith("FILE")) return "file";
  if (positional === "KIND") return KINDS_TO_TYPE;
  if (positional === "SHELL") return SHELLS;
  if (positional === "FORMAT") return ["apisix", "openapi", "traefik"];
  return [];
}

const KINDS_TO_TYPE: readonly string[] = KINDS.filter((kind) =>
  Object.values(DIRECTORIES).includes(kind) || kind === "credential" || kind === "node"
);

/** Words that the value of a flag can be, as in `grpc|json`. */
function choicesOf(value: string): readonly string[] {
  return /^[a-z0-9]+(?:\|[a-z0-9]+)+$/.test(value) ? value.split("|") : [];
}

const isPath = (value: string): boolean => value === "FILE";

/** Makes the completion script of a shell. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return zsh(commands);
    case "fish":
      return fish(commands);
  }
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const flags = flagsOf(command);
    const valued = flags.filter(({ value }) => value !== undefined);
    const paths = valued.filter(({ value }) => isPath(value!)).map(({ name, letter }) => dashed(name, letter, "|"));
    const choices = valued.flatMap(({ name, letter, value }) => {
      const words = choicesOf(value!);
      if (words.length === 0) return [];
      return [
        `        ${dashed(name, letter, "|")}) COMPREPLY=($(compgen -W '${words.join(" ")}' -- "$current")); return ;;`,
      ];
    });
    const others = valued.filter(({ value }) => !isPath(value!) && choicesOf(value!).length === 0);
    const values = [
      ...choices,
      ...(paths.length > 0 ? [`        ${paths.join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;`] : []),
      ...(others.length > 0
        ? [`        ${others.map(({ name, letter }) => dashed(name, letter, "|")).join("|")}) return ;;`]
        : []),
    ];
    const words = wordsOf(command.positionals?.[0] ?? "");
    const file = words === "file" || command.positionals?.some((name) => name.startsWith("FILE")) === true;
    return [
      `    ${command.name})`,
      ...(values.length > 0 ? ['      case "$previous" in', ...values, "      esac"] : []),
      `      words='${flags.map(({ name }) => `--${name}`).join(" ")}'`,
      `      if [[ $current != -* ]]; then`,
      `        words='${words === "file" ? "" : words.join(" ")}'`,
      ...(file ? ['        COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current")); return'] : []),
      "      fi ;;",
    ].join("\n");
  });
  return `# bash completion for gatewatch: source <(gatewatch completion bash)
_gatewatch() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=''
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(" ")} help --help --version' -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
    help) words='${commands.map(({ name }) => name).join(" ")}' ;;
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _gatewatch gatewatch
`;
}

function zsh(commands: readonly Command[]): string {
  const list = commands.map(({ name, summary }) => `    ${single(`${name}:${summary.replaceAll(":", "\\:")}`)}`);
  const cases = commands.map((command) => {
    const flags = flagsOf(command).map(({ name, letter, help, value }) => {
      const text = help.replaceAll("[", "(").replaceAll("]", ")").replaceAll(":", "\\:");
      const choices = value === undefined ? [] : choicesOf(value);
      const action = value === undefined
        ? ""
        : choices.length > 0
        ? `:${value.replaceAll(":", "\\:")}:(${choices.join(" ")})`
        : `:${value.replaceAll(":", "\\:")}:${isPath(value) ? "_files" : ""}`;
      const spec = `[${text}]${action}`;
      return letter === undefined
        ? `        ${single(`*--${name}${spec}`)}`
        : `        '*'{-${letter},--${name}}${single(spec)}`;
    });
    const positionals = (command.positionals ?? []).map((name) => {
      const words = wordsOf(name);
      const action = words === "file" ? "_files" : words.length > 0 ? `(${words.join(" ")})` : "";
      return `        ${single(`${name.endsWith("...") ? "*" : ""}:${name.replace("...", "")}:${action}`)}`;
    });
    return `    ${command.name})\n      _arguments -S \\\n${[...flags, ...positionals].join(" \\\n")} ;;`;
  });
  return `#compdef gatewatch
# zsh completion for gatewatch: source <(gatewatch completion zsh)
_gatewatch() {
  local -a commands
  commands=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
compdef _gatewatch gatewatch
`;
}

function fish(commands: readonly Command[]): string {
  const lines = ["# fish completion for gatewatch: gatewatch completion fish | source", "complete -c gatewatch -f"];
  for (const command of commands) {
    const { name, summary, positionals = [] } = command;
    lines.push(`complete -c gatewatch -n __fish_use_subcommand -a ${name} -d ${single(summary)}`);
    const when = `-n '__fish_seen_subcommand_from ${name}'`;
    for (const { name: flag, letter, help, value } of flagsOf(command)) {
      const choices = value === undefined ? [] : choicesOf(value);
      const takes = value === undefined
        ? ""
        : choices.length > 0
        ? ` -x -a ${single(choices.join(" "))}`
        : isPath(value)
        ? " -r -F"
        : " -x";
      lines.push(
        `complete -c gatewatch ${when}${letter === undefined ? "" : ` -s ${letter}`} -l ${flag}${takes} -d ${
          single(help)
        }`,
      );
    }
    for (const positional of positionals) {
      const words = wordsOf(positional);
      if (words === "file") lines.push(`complete -c gatewatch ${when} -F`);
      else if (words.length > 0) lines.push(`complete -c gatewatch ${when} -a ${single(words.join(" "))}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function dashed(name: string, letter: string | undefined, between: string): string {
  return letter === undefined ? `--${name}` : `--${name}${between}-${letter}`;
}

/** In single quotes, as all three shells read them. */
function single(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
