import ts from 'typescript';

/** The types that a file of src/ exports, as the compiler sees them. Without the types of packages, which take seconds to read. */
function exportedType(file: string, name: string): { type: ts.Type; checker: ts.TypeChecker } {
  const program = ts.createProgram([file], {
    lib: ['lib.es5.d.ts'],
    types: [],
    skipLibCheck: true,
    strict: true,
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const symbol = module && checker.getExportsOfModule(module).find((one) => one.name === name);
  if (symbol === undefined) throw new Error(`${file} exports no ${name}`);
  return { type: checker.getDeclaredTypeOfSymbol(symbol), checker };
}

/** The texts of a union of string literals. */
export function literalsOf(file: string, name: string): string[] {
  const { type } = exportedType(file, name);
  return membersOf(type).flatMap((one) => (one.isStringLiteral() ? [one.value] : []));
}

/** The fields of each member of a union by its `type`, but for `type` itself. An optional one ends with `?`. */
export function fieldsByType(file: string, name: string): Map<string, string[]> {
  const { type, checker } = exportedType(file, name);
  const fields = new Map<string, string[]>();
  for (const member of membersOf(type)) {
    const properties = checker.getPropertiesOfType(member);
    const kind = properties.find((property) => property.name === 'type');
    if (kind === undefined) throw new Error(`a member of ${name} has no type`);
    const names = properties
      .filter((property) => property !== kind)
      .map((property) => property.name + (property.flags & ts.SymbolFlags.Optional ? '?' : ''));
    for (const literal of membersOf(checker.getTypeOfSymbol(kind))) {
      if (literal.isStringLiteral()) fields.set(literal.value, names.sort());
    }
  }
  return fields;
}

function membersOf(type: ts.Type): ts.Type[] {
  return type.isUnion() ? type.types : [type];
}
