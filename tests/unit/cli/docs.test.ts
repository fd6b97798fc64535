import { describe, it } from "node:test";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { commandHelp, programHelp } from "../../../src/cli/help.ts";
import { CONFIG } from "../../../src/cli/run-settings.ts";
import { flagName, type Setting, SETTING_GROUPS, SETTINGS, variableName } from "../../../src/cli/settings.ts";
import { checkDocBlock } from "../../support/doc-block.ts";

describe("the documentation", () => {
  it("shows the help text of the program", () =>
    checkDocBlock("cli.md", "help", `\`\`\`text\n${programHelp(COMMANDS)}\`\`\``));

  for (const command of COMMANDS) {
    it(`shows the help text of ${command.name}`, () => {
      checkDocBlock("cli.md", `help ${command.name}`, `\`\`\`text\n${commandHelp(command)}\`\`\``);
    });
  }

  it("lists every setting with its names and its default", () => {
    const all = Object.entries<Setting>({ ...CONFIG, ...SETTINGS });
    const rows = SETTING_GROUPS.flatMap((group) => [
      `### ${group}`,
      "",
      "| setting | variable | default | |",
      "| - | - | - | - |",
      ...all.filter(([, setting]) => setting.group === group).map(([name, { value, help, default: byDefault }]) =>
        `| \`--${flagName(name)} ${value.replaceAll("|", "\\|")}\` | \`${variableName(name)}\` | ${
          byDefault === undefined ? "" : `\`${byDefault}\``
        } | ${help} |`
      ),
      "",
    ]);
    checkDocBlock("configuration.md", "settings", rows.join("\n"));
  });
});
