// On <body>: keeps the page's streams up to date.
export { start as connect } from "../live.js";
