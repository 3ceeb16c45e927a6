// A command line's words, as a shell would cut them: blanks, quotes, backslashes.

/** Whether a backslash between such quotes takes the meaning of what follows it. */
function escapes(quote: string, next: string | undefined): boolean {
  return next !== undefined && (quote === '' || (quote === '"' && '"\\$`'.includes(next)));
}

export function words(line: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (char === '\\' && escapes(quote, line[at + 1])) {
      word = (word ?? '') + line[++at]!;
    } else if (quote !== '') {
      word = char === quote ? word : word + char;
      quote = char === quote ? '' : quote;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      found.push(...(word === undefined ? [] : [word]));
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') {
    throw new Error(`a ${quote} is not closed`);
  }
  return word === undefined ? found : [...found, word];
}
