'use strict'
const $ = (id) => document.getElementById(id)
const table = $('matrix')
const body = table.tBodies[0]
const rows = [...body.rows]
const heads = [...table.tHead.rows[0].cells].filter((cell) => cell.dataset.column)
const given = heads.map((cell) => cell.dataset.column)
const bad = 'fail advice known other'.split(' ')

const cellOf = (row, column) => [...row.cells].find((cell) => cell.dataset.column === column)

function filter() {
  const wanted = $('find').value.trim().toLowerCase()
  const tailers = heads.filter((cell) => cell.dataset.name.toLowerCase().includes(wanted))
  const byTailer = Boolean(wanted) && tailers.length > 0
  const columns = new Set((byTailer ? tailers : heads).map((cell) => cell.dataset.column))
  let shown = 0
  for (const row of rows) {
    const fits = !wanted || byTailer || row.cells[0].textContent.toLowerCase().includes(wanted)
    const fails = () => [...columns].some((column) => bad.includes(cellOf(row, column).firstElementChild.className))
    row.hidden = !fits || ($('must').checked && row.dataset.level !== 'MUST') || ($('failing').checked && !fails())
    shown += !row.hidden
  }
  for (const row of table.rows) {
    for (const cell of row.cells) if (cell.dataset.column) cell.hidden = !columns.has(cell.dataset.column)
  }
  $('shown').textContent = `${shown} of ${rows.length} requirements, ${columns.size} of ${heads.length} tailers`
  reachable()
}

function sortRows() {
  const sorted = [...rows]
  if ($('rows').value === 'failures') sorted.sort((a, b) => b.dataset.failed - a.dataset.failed)
  body.append(...sorted)
  reachable()
}

function sortColumns() {
  const by = {
    given: (a, b) => given.indexOf(a.dataset.column) - given.indexOf(b.dataset.column),
    name: (a, b) => a.dataset.name.localeCompare(b.dataset.name),
    failures: (a, b) => a.dataset.failed - b.dataset.failed,
  }
  const order = [...heads].sort(by[$('columns').value]).map((cell) => cell.dataset.column)
  for (const row of table.rows) row.lastElementChild.before(...order.map((column) => cellOf(row, column)))
  reachable()
}

// One cell can be reached by Tab, the others from it by the arrow keys.
function reachable(wanted) {
  const buttons = [...body.querySelectorAll('button')].filter((each) => each.offsetParent)
  const current = wanted ?? buttons.find((each) => each.tabIndex === 0) ?? buttons[0]
  for (const each of body.querySelectorAll('button[tabindex="0"]')) each.tabIndex = -1
  if (current) current.tabIndex = 0
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }

body.addEventListener('keydown', (event) => {
  const step = STEPS[event.key]
  if (!step || event.target.tagName !== 'BUTTON') return
  event.preventDefault()
  const grid = [...body.rows].filter((row) => !row.hidden)
    .map((row) => [...row.cells].filter((cell) => cell.dataset.column && !cell.hidden))
  const y = grid.findIndex((cells) => cells.includes(event.target.parentElement))
  const x = grid[y].indexOf(event.target.parentElement)
  const next = grid[y + step[0]]?.[x + step[1]]?.firstElementChild
  if (next) { reachable(next); next.focus() }
})

body.addEventListener('click', (event) => {
  if (event.target.tagName !== 'BUTTON') return
  reachable(event.target)
  const dialog = $('message')
  const id = event.target.closest('tr').dataset.id
  $('message-title').textContent = event.target.getAttribute('aria-label')
  dialog.querySelector('pre').textContent = event.target.dataset.message || 'It passes.'
  const link = dialog.querySelector('a')
  link.href = `#${id}`
  link.textContent = `What ${id} asks for`
  dialog.showModal()
})
$('message').querySelector('button').addEventListener('click', () => $('message').close())
$('message').querySelector('a').addEventListener('click', () => $('message').close())
$('controls').addEventListener('submit', (event) => event.preventDefault())
for (const id of ['find', 'must', 'failing']) $(id).addEventListener('input', filter)
$('rows').addEventListener('input', sortRows)
$('columns').addEventListener('input', sortColumns)
filter()
