// Terminal groups as they are typed: with commas between them.
export function groupsOf(text: string): string[] {
  return [...new Set(text.split(/[,、]/).map((one) => one.trim()).filter((one) => one !== ''))];
}
