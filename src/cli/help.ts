import type { Command } from "./command.ts";
import { flagName, SETTING_GROUPS } from "./settings.ts";

/** Columns of a help text. */
const WIDTH = 100;
const INDENT = 28;

/** `gatewatch --help`. */
export function programHelp(commands: readonly Command[]): string {
  return [
    "gatewatch: an API gateway whose routes live in etcd and change under load without a restart",
    "",
    "Usage: gatewatch COMMAND [flags]",
    "",
    "Commands",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`),
    "",
    "Flags",
    "  -h, --help      Show this help, or that of a command: gatewatch run --help",
    "  --version       Show the version",
    "",
    "Exit status: 0 done, 1 failed, 2 called wrongly.",
    "",
  ].join("\n");
}

/** `gatewatch COMMAND --help`. */
export function commandHelp(command: Command): string {
  const lines = [`Usage: gatewatch ${command.name}${command.usage === "" ? "" : ` ${command.usage}`}`, ""];
  lines.push(...wrap(command.description, 0), "");
  for (const group of SETTING_GROUPS) {
    const settings = Object.entries(command.settings).filter(([name, setting]) =>
      setting.group === group && (command.shown?.includes(name) ?? true)
    );
    if (settings.length === 0) continue;
    lines.push(group);
    for (const [name, { value, help, default: byDefault }] of settings) {
      lines.push(
        ...entry(`--${flagName(name)} ${value}`, byDefault === undefined ? help : `${help}; default: ${byDefault}`),
      );
    }
    lines.push("");
  }
  lines.push("Flags");
  for (const [name, { value, help, letter }] of Object.entries(command.options ?? {})) {
    lines.push(...entry(`${letter === undefined ? "" : `-${letter}, `}--${name} ${value}`, help));
  }
  for (const [name, help] of Object.entries(command.switches ?? {})) lines.push(...entry(`--${name}`, help));
  lines.push(...entry("-h, --help", "Show this help"), "");
  if (command.shown !== undefined) lines.push("Other settings are those of gatewatch run.", "");
  lines.push(
    command.examples.length === 1 ? "Example" : "Examples",
    ...command.examples.map((line) => `  ${line}`),
    "",
  );
  return lines.join("\n");
}

function entry(flag: string, help: string): string[] {
  const text = wrap(help, INDENT);
  if (flag.length + 4 > INDENT) return [`  ${flag}`, ...text];
  return [`  ${flag.padEnd(INDENT - 2)}${text[0]!.trimStart()}`, ...text.slice(1)];
}

/** Breaks a text into lines, indented by so many columns; line breaks in it stay. */
function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > WIDTH - indent) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.map((line) => line === "" ? "" : " ".repeat(indent) + line);
}
