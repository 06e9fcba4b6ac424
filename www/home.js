// The home page: its example is of the address that the page came from.
document.querySelector("#origin").textContent = location.origin;
