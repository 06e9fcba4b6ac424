/** Files that are imported as text. */
declare module "*.conf" {
  const text: string;
  export default text;
}
declare module "*.types" {
  const text: string;
  export default text;
}
declare module "*_params" {
  const text: string;
  export default text;
}
