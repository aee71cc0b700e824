// Decides, cycle by cycle, which weight row stands at the top and which operand row at the left.
// Folds go k first, then turns of the streamed rows, then strips of columns; a strip's first `longer` turns have `turn`
// rows, the others one less. A fold's weights load in `used` cycles, farthest row first; row r shifts
// in the last used - r of them. With HIDDEN the next load starts when a fold starts streaming,
// without when its last row enters.
module sequencer_ws #(parameter ROWS = 4, parameter COLS = 4, parameter HIDDEN = 1, parameter SIZE = 16) (
    input  wire            clk,
    input  wire            start,                // also resets
    input  wire [SIZE-1:0] streamed,
    input  wire [SIZE-1:0] inner,
    input  wire [SIZE-1:0] across,
    input  wire [SIZE-1:0] turn,
    input  wire [SIZE-1:0] longer,
    output reg             streaming,
    output reg  [SIZE-1:0] row,                  // of this turn
    output reg  [SIZE-1:0] stream_first,         // the turn's first row
    output reg  [SIZE-1:0] stream_k0,
    output reg  [SIZE-1:0] stream_n0,
    output reg             loading,
    output reg  [SIZE-1:0] index,                // loads done in this fold
    output reg  [SIZE-1:0] load_k0,
    output reg  [SIZE-1:0] load_n0,
    output wire [SIZE-1:0] load_used
);
    reg            loaded;                       // the fold (load_k0, load_first, load_n0) waits to stream
    reg [SIZE-1:0] load_first, load_turn, stream_length;

    assign load_used = inner - load_k0 < ROWS ? inner - load_k0 : ROWS;
    wire load_ends   = loading && index == load_used - 1;
    wire stream_ends = streaming && row == stream_length - 1;
    wire begins      = (loaded || load_ends) && (!streaming || stream_ends);
    wire more_k      = load_k0 + ROWS < inner;
    wire [SIZE-1:0] load_length = load_turn < longer ? turn : turn - 1;
    wire more_turns  = load_first + load_length < streamed;
    wire more        = more_k || more_turns || load_n0 + COLS < across;
    // the next cycle holds the event that frees the loading registers
    wire last_row_next = begins ? load_length == 1 : streaming && row + 2 == stream_length;
    wire trigger     = HIDDEN != 0 ? begins : last_row_next;

    always @(posedge clk)
        if (start) begin
            streaming <= 1'b0;
            row <= 0;
            stream_first <= 0;
            stream_length <= 0;
            stream_k0 <= 0;
            stream_n0 <= 0;
            loading <= 1'b1;
            index <= 0;
            load_first <= 0;
            load_turn <= 0;
            load_k0 <= 0;
            load_n0 <= 0;
            loaded <= 1'b0;
        end else begin
            row <= row + 1;
            index <= index + 1;
            loaded <= (loaded || load_ends) && !begins;
            if (stream_ends) streaming <= 1'b0;
            if (load_ends) loading <= 1'b0;
            if (begins) begin
                streaming <= 1'b1;
                row <= 0;
                stream_first <= load_first;
                stream_length <= load_length;
                stream_k0 <= load_k0;
                stream_n0 <= load_n0;
            end
            if (trigger && more) begin
                loading <= 1'b1;
                index <= 0;
                load_k0 <= more_k ? load_k0 + ROWS : 0;
                if (!more_k) begin
                    load_first <= more_turns ? load_first + load_length : 0;
                    load_turn <= more_turns ? load_turn + 1 : 0;
                    if (!more_turns) load_n0 <= load_n0 + COLS;
                end
            end
        end
endmodule
